"""What of a config makes the same command give other numbers."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log

from mmc2f.arguments import type_name

__all__ = ['nondeterministic_choices', 'warn_of_nondeterminism']

#: Transforms that draw from generators of their own, which nothing seeds.
OWN_GENERATORS = ('Albumentations', 'Albu')
#: Indices that several threads build at a time, in the order they come in.
BUILT_BY_THREADS = ('HNSW',)


def warn_of_nondeterminism(cfg: Config, trains: bool) -> None:
    """Log :func:`nondeterministic_choices` as one warning, if there are."""
    choices = nondeterministic_choices(cfg, get_device() != 'cpu', trains)
    if choices:
        print_log(
            'The same command may give other numbers another time: '
            f'{"; ".join(choices)}.',
            logger='current',
            level=logging.WARNING,
        )


def nondeterministic_choices(
    cfg: Config, on_gpu: bool, trains: bool
) -> list[str]:
    """What keeps a run from being repeated to the last digit.

    Numbers also depend on the machine, the versions of its libraries, and
    the number of threads and processes, which a config does not choose.

    Args:
        cfg: Full config.
        on_gpu: Whether the model runs on one.
        trains: Whether this is a training; else a test, which draws nothing
            at random.

    Returns:
        A clause for each choice, with its name in the config.
    """
    choices = [*_of_training(cfg)] if trains else []
    if on_gpu:
        choices += _of_kernels(cfg)
    for part in _parts(cfg.get('custom_hooks')):
        names = [part.get(key) for key in ('index', 'factory', 'index_type')]
        for name in names:
            if isinstance(name, str) and name.startswith(BUILT_BY_THREADS):
                choices.append(
                    f'the gallery index {name} depends on which of its '
                    'threads comes first'
                )
    return list(dict.fromkeys(choices))


def _of_training(cfg: Config) -> Iterator[str]:
    if (cfg.get('randomness') or {}).get('seed') is None:
        yield 'randomness.seed is not set, so that each run draws its own'
    loop = cfg.get('train_cfg') or {}
    name = type_name(loop.get('type', 'MMEngine'))
    if name != 'StagedTrainLoop':
        yield (
            f'the training loop is not mmc2f.StagedTrainLoop ({name}), so '
            'that what is drawn after --resume is not what would have been'
        )
    for part in _parts(cfg.get('train_dataloader')):
        if type_name(part.get('type', '')) in OWN_GENERATORS:
            yield (
                f'{type_name(part["type"])} in the training pipeline draws '
                'from a generator of its own'
            )


def _of_kernels(cfg: Config) -> Iterator[str]:
    if not (cfg.get('randomness') or {}).get('deterministic'):
        yield (
            'randomness.deterministic is not set, so that GPU kernels add in '
            'any order'
        )
    if (cfg.get('env_cfg') or {}).get('cudnn_benchmark'):
        yield (
            'env_cfg.cudnn_benchmark is set, so that kernels are chosen by '
            'their speed at the time'
        )


def _parts(value: Any) -> Iterator[Mapping]:
    """All dicts within a part of a config."""
    if isinstance(value, Mapping):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
