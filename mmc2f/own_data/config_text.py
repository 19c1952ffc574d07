"""The few lines of a config that say what is one's own."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ['OwnConfig', 'config_text']

#: Replaced by MMEngine: the config can be moved together with its tables.
HERE = '{{ fileDirname }}'


@dataclass(frozen=True)
class OwnConfig:
    """What stands in the config.

    Attributes:
        title: First sentence.
        base: Name of the shipped config that it inherits from.
        num_classes: Classes of the data.
        data_root: Folder of the images.
        table: File name of the table, beside the config.
        splits: Split of the table for each of ``train_data``, ``test_data``
            and, where validation has images of its own, ``val_data``.
        tree: File name of the hierarchy beside the config, or ``None``.
        num_clusters: Of the clustering where ``tree`` is ``None``; ``None``
            where the model has no multi-level loss.
        batch_size: ``None`` for that of the base.
    """

    title: str
    base: str
    num_classes: int
    data_root: str
    table: str
    splits: Mapping[str, str]
    tree: str | None = None
    num_clusters: int | str | None = 'silhouette'
    batch_size: int | None = None


def config_text(own: OwnConfig) -> str:
    """The config as Python, 7 to 15 lines."""
    lines = [
        f'# {own.title}',
        f"_base_ = 'mmc2f::{own.base}.py'",
        f'num_classes = {own.num_classes}',
        f'data_root = {own.data_root!r}',
        f'table = {_beside(own.table)}',
    ]
    for name, split in own.splits.items():
        lines.append(
            f"{name} = dict(type='mmc2f.ImageTable', ann_file=table, "
            f'split={split!r})'
        )
    if own.tree is not None:
        lines.append(f'taxonomy = {_beside(own.tree)}')
        lines.append('tree = taxonomy  # of the multi-level loss')
    else:
        lines.append('taxonomy = None  # or a csv of a hierarchy you know')
    if own.tree is None and own.num_clusters is not None:
        lines.append(
            "tree = dict(type='mmc2f.ClassClustering', "
            f'num_clusters={own.num_clusters!r})'
        )
    if own.batch_size is not None:
        lines.append(f'batch_size = {own.batch_size}')
    return '\n'.join(lines) + '\n'


def _beside(name: str) -> str:
    return repr(f'{HERE}/{name}')
