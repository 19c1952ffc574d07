"""The images of a config, each at many resolutions."""

import copy
from collections.abc import Sequence
from typing import Any

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.runner import Runner
from mmpretrain.datasets.transforms import PackInputs
from mmpretrain.registry import DATASETS
from torch.utils.data import DataLoader

from mmc2f.arguments import type_name
from mmc2f.datasets.multi_resolution_dataset import MultiResolutionDataset
from mmc2f.structures import LabelTree

__all__ = ['default_resolutions', 'resolution_loader']

#: Resolutions as parts of the input size. Steps shrink towards the bottom,
#: where an image loses most with each pixel.
PARTS = (28, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2)

_WRAPPER = 'MultiResolutionDataset'
_DEGRADE = 'DegradeResolution'
_PACK = 'PackInputs'
#: Refused by the wrapper, which has the labels of all levels anyway.
_LABELS = 'AddHierarchyLabels'


def default_resolutions(input_size: int) -> list[int]:
    """From the input size down to a fourteenth of it, falling.

    Args:
        input_size: Shorter edge of what the network sees, in pixels. Below
            28 some resolutions round to the same and are listed once.
    """
    rounded = [max(1, round(input_size * part / 28)) for part in PARTS]
    return list(dict.fromkeys(rounded))


def resolution_loader(
    cfg: Config,
    tree: LabelTree,
    resolutions: Sequence[int] | None = None,
    split: str = 'val',
) -> DataLoader:
    """Loader of a split's images at each resolution, one after the other.

    Images go through the validation pipeline, are lowered to the resolution
    where it packs them, and carry it as the name of their ``view``. All are
    of level 0. A :class:`mmc2f.MultiResolutionDataset` in the config gives
    its inner data set.

    Args:
        cfg: Full config with ``val_dataloader`` and, for ``split='train'``,
            ``train_dataloader``, of which only the data set is used.
        tree: Hierarchy of the classes.
        resolutions: Of the shorter edge, in pixels; None:
            :func:`default_resolutions` for the size of the first image after
            the pipeline.
        split: ``'val'`` or ``'train'``.

    Raises:
        ValueError: The config lacks a loader or a pipeline that packs, a
            resolution is no positive whole number or is given twice, or the
            classes are not those of the tree.
    """
    loader = _loader_config(cfg, 'val')
    pipeline = _pipeline(loader['dataset'])
    images = _build_images(_loader_config(cfg, split)['dataset'])
    if resolutions is None:
        whole = _views_of(images, tree, [None], pipeline)
        resolutions = default_resolutions(_input_size(whole))
    loader['dataset'] = _views_of(images, tree, resolutions, pipeline)
    for key in ('batch_sampler', 'drop_last', 'num_batch_per_epoch'):
        loader.pop(key, None)
    loader['sampler'] = {'type': 'mmengine.DefaultSampler', 'shuffle': False}
    loader.setdefault('collate_fn', {'type': 'default_collate'})
    return Runner.build_dataloader(loader)


def _loader_config(cfg: Config, split: str) -> dict[str, Any]:
    name = f'{split}_dataloader'
    if cfg.get(name) is None:
        raise ValueError(f'The config has no {name}.')
    return copy.deepcopy(cfg[name].to_dict())


def _pipeline(dataset: dict[str, Any]) -> list[dict]:
    """The pipeline, with the degradation where it packs."""
    steps = [
        dict(step)
        for step in dataset.get('pipeline', ())
        if type_name(step) not in (_DEGRADE, _LABELS)
    ]
    packs = [i for i, step in enumerate(steps) if type_name(step) == _PACK]
    if not packs:
        raise ValueError(
            'The data set of val_dataloader has no pipeline with PackInputs, '
            'before which the resolution would be lowered.'
        )
    pack = steps[packs[-1]]
    keys = pack.get('meta_keys', PackInputs.DEFAULT_META_KEYS)
    pack['meta_keys'] = tuple(dict.fromkeys([*keys, 'view']))
    steps.insert(packs[-1], dict(type='mmc2f.DegradeResolution'))
    return steps


def _build_images(dataset: dict[str, Any]) -> BaseDataset:
    """The data set without its pipeline, which a wrapper replaces."""
    if type_name(dataset) == _WRAPPER:
        dataset = dataset['dataset']
    dataset.pop('pipeline', None)
    return DATASETS.build(dataset)


def _views_of(
    images: BaseDataset,
    tree: LabelTree,
    resolutions: Sequence[int | None],
    pipeline: list[dict],
) -> MultiResolutionDataset:
    views = [
        dict(name=str(resolution), level=0, resolution=resolution)
        for resolution in resolutions
    ]
    return MultiResolutionDataset(images, tree, views, pipeline)


def _input_size(dataset: MultiResolutionDataset) -> int:
    return min(dataset[0]['inputs'].shape[-2:])
