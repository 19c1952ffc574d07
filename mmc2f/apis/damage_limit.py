"""How many damaged images a training passes over, as the config says."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmc2f.arguments import type_name

__all__ = ['FACT', 'apply_damage_limit']

#: Name at the top of a config.
FACT = 'max_damaged_images'
_LOADER = 'LoadImage'


def apply_damage_limit(cfg: Config, replaces: bool = False) -> None:
    """Let the training pass over some damaged images, and a test over none.

    ``max_damaged_images = 10`` becomes ``on_error='skip', max_skipped=10``
    of each :class:`mmc2f.LoadImage` of the training, which then names such a
    file in the log and takes another image; 0 lets it stop at the first one,
    as it does without the fact. Validation and test stop in any case: what
    is left out makes the accuracy that of another set.

    Args:
        cfg: Full config, changed in place. To do it twice changes nothing.
        replaces: Whether the fact goes before what a step says itself, as
            when it comes from the command line.
    """
    limit = cfg.get(FACT)
    if limit is not None:
        for step in _load_steps(cfg, 'train'):
            if replaces or not {'on_error', 'max_skipped'} & set(step):
                step.on_error = 'skip' if limit else 'raise'
                step.max_skipped = limit or None
    for split in ('val', 'test'):
        for step in _load_steps(cfg, split):
            if step.get('on_error') == 'skip':
                step.on_error = 'raise'


def _load_steps(cfg: Config, split: str) -> Iterator[Any]:
    loader = cfg.get(f'{split}_dataloader') or {}
    for dataset in _with_wrapped(loader.get('dataset')):
        for step in dataset.get('pipeline') or []:
            if type_name(step) == _LOADER:
                yield step


def _with_wrapped(dataset: Any) -> Iterator[Any]:
    """A data set's config, and those inside of it."""
    if not hasattr(dataset, 'get'):
        return
    yield dataset
    inner = dataset.get('datasets') or dataset.get('dataset')
    for other in inner if isinstance(inner, list) else [inner]:
        yield from _with_wrapped(other)
