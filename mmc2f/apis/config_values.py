"""Values of a config that nothing could be made of, refused by name."""

import math
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmc2f.arguments import check_real, check_whole

__all__ = ['check_values']

SPLITS = ('train', 'val', 'test')
#: Whole numbers, and the least that each may be.
COUNTS = {
    'num_classes': 1,
    'batch_size': 1,
    'images_per_class': 1,
    'max_epochs': 1,
    'channels': 1,
    'topn': 1,
    'topm': 1,
    'max_damaged_images': 0,
    'model.num_classes': 1,
    'model.head.num_classes': 1,
    **{f'{split}_dataloader.batch_size': 1 for split in SPLITS},
    **{f'{split}_dataloader.num_workers': 0 for split in SPLITS},
}
#: Finite numbers from 0 on.
RATES = ('learning_rate', 'optim_wrapper.optimizer.lr')


def check_values(cfg: Config) -> None:
    """Refuse counts that are not counts, and rates that are not rates.

    The parts would fail on them too, but late, and in words of their own.

    Args:
        cfg: Full config; what it lacks is not looked at.

    Raises:
        ValueError: With the name of the value, as it stands in a config and
            after ``--cfg-options``.
    """
    for name, least in COUNTS.items():
        for value in _values(cfg, name):
            check_whole(f'{name} of the config', value, least)
    for name in RATES:
        for value in _values(cfg, name):
            check_real(f'{name} of the config', value)
            if not 0 <= value < math.inf:
                raise ValueError(
                    f'{name} of the config must be finite and not negative, '
                    f'got {value}'
                )
    epochs = cfg.get('stage_epochs')
    for value in [epochs] if isinstance(epochs, int) else epochs or ():
        check_whole('an entry of stage_epochs of the config', value)


def _values(cfg: Config, name: str) -> Iterator[Any]:
    """The value of a dotted name, where the config has one."""
    *parts, last = name.split('.')
    part: Any = cfg
    for key in parts:
        part = part.get(key) if hasattr(part, 'get') else None
    value = part.get(last) if hasattr(part, 'get') else None
    if value is not None:
        yield value
