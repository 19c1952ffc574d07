"""A trained model with its names, label tree and gallery, without its data."""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.model import BaseModel
from mmpretrain.apis import get_model

from mmc2f.apis.config_file import find_config
from mmc2f.apis.load_config import complete_config, load_config
from mmc2f.arguments import type_name
from mmc2f.datasets.train_loader_in_test_mode import gallery_views
from mmc2f.models.heads.hierarchical_head import HierarchicalHead
from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval import Gallery, ReRanker, load_gallery
from mmc2f.retrieval.fingerprint import fingerprint, model_fingerprint
from mmc2f.retrieval.tuned_rerank import chosen_rerank, find_cascade
from mmc2f.structures import LabelTree
from mmc2f.weights import load_checkpoint

__all__ = [
    'class_names',
    'end_early',
    'gallery_options',
    'label_tree',
    'load_model',
    'make_reranker',
    'rerank_hook',
]

HOOK = 'mmc2f.ReRankHook'
#: Where the config's hook does not say.
RULE = dict(type='mmc2f.ReRankPostProcessor')


def load_model(
    model: str | os.PathLike | Config | BaseModel,
    pretrained: str | os.PathLike | bool = True,
    **kwargs: Any,
) -> tuple[BaseModel, str | None]:
    """Build a model and read its weights.

    Args:
        model, pretrained, **kwargs: See :class:`mmc2f.C2FInferencer`.

    Returns:
        The model, which keeps its config and the class names of its training
        as mmpretrain's ``get_model`` does; and the checkpoint, if any.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: There are no weights, they are of another model, or the
            config of a given model is not known.
    """
    if not isinstance(model, BaseModel):
        cfg = _config(model)
        if pretrained is True:
            pretrained = cfg.get('load_from') or True
        if pretrained is True:
            raise ValueError(
                f'{model if isinstance(model, str) else "the config"} names '
                'no weights: give pretrained=CHECKPOINT'
            )
        model = get_model(cfg, pretrained=False, **kwargs)
    elif not hasattr(model, '_config'):
        raise ValueError(
            f'this {type(model).__name__} does not know its config, so its '
            'test pipeline is unknown: give the config in its place, or a '
            'model made by mmpretrain.get_model'
        )
    if isinstance(pretrained, bool):
        return model, None
    checkpoint = os.fspath(pretrained)
    _load_weights(model, checkpoint)
    return model, checkpoint


def make_reranker(
    model: BaseModel,
    gallery: str | os.PathLike | Gallery,
    checkpoint: str | None = None,
    rerank: str | Mapping[str, Any] | None = None,
) -> ReRanker:
    """The re-ranking of a model's config, with a gallery that fits.

    The gallery is checked as in a test, but for the training images, which
    need not be at hand.

    Args:
        model: Of :func:`load_model`.
        gallery, rerank: See :class:`mmc2f.C2FInferencer`.
        checkpoint: Beside which tuned parameters are looked for.

    Raises:
        FileNotFoundError: There is no such gallery.
        ValueError: The gallery does not fit, the model cannot be re-ranked,
            or ``t_sf='auto'``, which needs validation images.
    """
    if not hasattr(model, 'attach_reranker'):
        raise ValueError(
            'a gallery needs a model that embeds images, such as mmc2f.CCFR; '
            f'{type(model).__name__} does not'
        )
    cfg = _with_reranking(model._config, rerank)
    classes = trained_classes(model)
    if classes is None:
        found = (
            gallery if isinstance(gallery, Gallery) else load_gallery(gallery)
        )
        classes = found.model_classes or []
    made_by = model_fingerprint(cfg, model, classes, gallery_views(cfg))
    rule, options = gallery_options(cfg, checkpoint, made_by['weights'])
    post_processor = TASK_UTILS.build(rule)
    if not post_processor.is_calibrated:
        raise ValueError(
            "t_sf='auto' is measured on validation images, which are not at "
            'hand here: give rerank=dict(t_sf=...) the number in the log of '
            'a test'
        )
    if isinstance(gallery, Gallery):
        gallery.check(made_by)
    else:
        gallery = load_gallery(gallery, made_by, options)
    return ReRanker(post_processor, gallery)


def end_early(
    model: BaseModel,
    cascade: float | str | os.PathLike,
    checkpoint: str | None = None,
) -> None:
    """Have a model answer sure images by the global pass alone.

    Args:
        model: Of :func:`load_model`.
        cascade: See :class:`mmc2f.C2FInferencer`.
        checkpoint: Beside which ``'auto'`` looks for the threshold.

    Raises:
        FileNotFoundError: There is no file with a threshold.
        ValueError: It has none, or the model has no global pass.
    """
    if not hasattr(model, 'attach_cascade'):
        raise ValueError(
            'a cascade needs a model with a global pass and regions, such as '
            f'mmc2f.CCFR; {type(model).__name__} has none'
        )
    weights = None
    if cascade == 'auto':
        weights = fingerprint(model, [], [])['weights']
    model.attach_cascade(find_cascade(cascade, checkpoint, weights))


def rerank_hook(cfg: Config) -> Mapping:
    """The config of the re-rank hook; an empty one where there is none."""
    hooks = cfg.get('custom_hooks') or []
    return next(filter(_is_rerank_hook, hooks), {})


def gallery_options(
    cfg: Config, checkpoint: str | None, weights: str
) -> tuple[dict, dict]:
    """Configs of the re-ranking and of its gallery, tuned or as given.

    Args:
        cfg: Of the model.
        checkpoint: Beside which tuned parameters are looked for.
        weights: Their digest, see :func:`model_fingerprint`.
    """
    hook = rerank_hook(cfg)
    rule = dict(hook.get('post_processor') or RULE)
    rule, options, _ = chosen_rerank(
        rule.pop('params', None),
        rule,
        hook.get('gallery') or {},
        checkpoint,
        weights,
    )
    return rule, dict(options)


def label_tree(
    model: BaseModel, cfg: Mapping[str, Any] | None = None
) -> LabelTree | None:
    """The hierarchy that a model's answers are told in.

    That of a hierarchical head; else the ``taxonomy`` of the config, which
    somebody knows; else that of CCFR's global head, which may be clusters.

    Args:
        model: Without ``cfg`` one of :func:`load_model`.
        cfg: Config of the model.
    """
    head = getattr(model, 'head', None)
    if isinstance(head, HierarchicalHead):
        return head.tree
    taxonomy = (model._config if cfg is None else cfg).get('taxonomy')
    if taxonomy is not None:
        return LabelTree.build(taxonomy)
    return getattr(getattr(model, 'global_head', head), 'tree', None)


def class_names(
    model: BaseModel,
    reranker: ReRanker | None = None,
    tree: LabelTree | None = None,
    given: Sequence[str] | None = None,
) -> list[str]:
    """Names of a model's classes, from the first who knows them.

    That is the caller, the checkpoint, the gallery, the tree; without any
    they are numbers.

    Raises:
        ValueError: The model has another number of classes, or the tree
            has them in another order.
    """
    count = model.head.num_classes
    trained = trained_classes(model)
    if trained is None and reranker is not None:
        trained = reranker.gallery.model_classes
    if tree is not None:
        tree.check_num_classes(count, 'the model')
        if trained is not None:
            tree.check_class_names(trained, 'the model')
    names = given or trained or (tree.names() if tree else range(count))
    if len(names) != count:
        raise ValueError(
            f'there are {len(names)} class names for the {count} classes of '
            'the model'
        )
    return [str(name) for name in names]


def trained_classes(model: BaseModel) -> list[str] | None:
    """Class names in the checkpoint of a model; ``None``: it has none."""
    meta = getattr(model, '_dataset_meta', None) or {}
    names = meta.get('classes')
    return None if names is None else list(names)


def _config(model: str | os.PathLike | Config) -> Config:
    if not isinstance(model, Config):
        return load_config(find_config(os.fspath(model)))
    cfg = copy.deepcopy(model)
    complete_config(cfg)
    return cfg


def _load_weights(model: BaseModel, checkpoint: str) -> None:
    """Read a checkpoint, whole, and note its class names on the model."""
    content = load_checkpoint(model, checkpoint)
    meta = content.get('meta') or {}
    model._dataset_meta = meta.get('dataset_meta') or {}


def _with_reranking(
    cfg: Config, rerank: str | Mapping[str, Any] | None
) -> Config:
    """A copy that has a re-rank hook, with the caller's parameters."""
    cfg = copy.deepcopy(cfg)
    hooks = list(cfg.get('custom_hooks') or [])
    if not any(map(_is_rerank_hook, hooks)):
        hooks.append(dict(type=HOOK))
    cfg.custom_hooks = hooks
    if rerank is not None:
        cfg.rerank = rerank
    complete_config(cfg)
    return cfg


def _is_rerank_hook(hook: Mapping) -> bool:
    return type_name(hook) == type_name(HOOK)
