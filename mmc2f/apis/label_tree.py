"""Gives a training its label tree before the model is built."""

from pathlib import Path
from typing import TypeGuard

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader

from mmc2f.apis.command_line import join_ranks
from mmc2f.apis.resume import latest_checkpoint
from mmc2f.arguments import type_name
from mmc2f.structures import LabelTree

TREE_FILE = 'label_tree.json'
TREE_BUFFER = 'tree_json'


def prepare_label_tree(cfg: Config) -> None:
    """Replace a clustering in the model's config by the tree it makes.

    Where ``tree`` of the model, or of its multi-level head, is a clustering
    (``dict(type='mmc2f.ClassClustering', ...)``), the classes of the
    training set are clustered on features of the starting weights
    (``cfg.load_from``, else the model's own). The tree is written to
    ``label_tree.json`` in the work dir, and travels in the checkpoints. A
    resumed training takes the tree of its checkpoint instead: clustering
    again, from weights that have moved on, could give another one.

    Args:
        cfg: Full config, changed in place. Nothing happens when the model
            has no multi-level head, or one with a tree.

    Raises:
        ValueError: The head has another number of classes than the data.
    """
    holder = tree_holder(cfg)
    if holder is None or not is_clustering(holder.get('tree')):
        return
    tree = None
    if cfg.get('resume'):
        tree = tree_of_checkpoint(_resumed_checkpoint(cfg))
    if tree is None:
        tree = _cluster(cfg, dict(holder.tree))
    classes = multi_level_head(cfg).get(
        'num_classes', cfg.model.get('num_classes')
    )
    if tree.num_classes() != classes:
        raise ValueError(
            f'the classes are {tree.num_classes()}, but the multi-level head '
            f'is built for {classes}: set num_classes at the top of '
            'the config to the number of classes of your data'
        )
    holder.tree = tree.to_dict()
    if cfg.get('tree') is not None:
        # Else it would set the clustering again in a dump of the config.
        cfg.tree = holder.tree


def multi_level_head(cfg: Config):
    """Config of the model's multi-level head, or None."""
    for name in ('global_head', 'head'):
        head = cfg.model.get(name)
        if head and type_name(head) == 'MultiLevelHead':
            return head
    return None


def tree_holder(cfg: Config):
    """Part of the model's config that says the multi-level head's tree.

    It is the head where that has a ``tree``, else the model; None where there
    is no multi-level head.
    """
    head = multi_level_head(cfg)
    return head if head is None or 'tree' in head else cfg.model


def is_clustering(tree: object) -> TypeGuard[dict]:
    """Whether a head's ``tree`` is a clustering still to be done."""
    return isinstance(tree, dict) and 'type' in tree


def tree_of_checkpoint(path: str | None) -> LabelTree | None:
    """The label tree that a checkpoint carries; None without one."""
    if path is None:
        return None
    checkpoint = CheckpointLoader.load_checkpoint(path, map_location='cpu')
    for name, value in checkpoint.get('state_dict', checkpoint).items():
        if name.split('.')[-1] == TREE_BUFFER and value.numel():
            return LabelTree.from_buffer(value)
    return None


def _resumed_checkpoint(cfg: Config) -> str | None:
    return cfg.get('load_from') or latest_checkpoint(cfg.work_dir)


def _cluster(cfg: Config, clustering: dict) -> LabelTree:
    from mmc2f.clustering import build_class_hierarchy

    join_ranks(cfg)
    tree, report = build_class_hierarchy(
        cfg, checkpoint=cfg.get('load_from'), clustering=clustering
    )
    if is_main_process():
        path = Path(cfg.work_dir) / TREE_FILE
        tree.to_json(path)
        print_log(f'Class hierarchy, written to {path}:\n{report}')
    return tree
