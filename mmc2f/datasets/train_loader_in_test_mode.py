"""Loader of the training images with the test pipeline."""

import copy

from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmc2f.arguments import type_name
from mmc2f.datasets.hold_out import set_part
from mmc2f.structures import LabelTree

__all__ = ['gallery_views', 'train_loader_in_test_mode']

# Which the training images do not need: coarser labels may not exist yet.
_LABEL_TRANSFORM = 'AddHierarchyLabels'
# Has the pipeline itself, and every image several times.
_VIEWS_WRAPPER = 'MultiResolutionDataset'


def train_loader_in_test_mode(
    cfg: Config, part: str | None = None
) -> DataLoader:
    """Loader of the training images, in order, through the test pipeline.

    Each image comes once: of a :class:`mmc2f.MultiResolutionDataset` only the
    first view at the finest level is read.

    Args:
        cfg: Full config with ``train_dataloader`` and ``test_dataloader``.
            The data set comes from the former, all else from the latter.
            The pipeline is set inside wrappers of data sets.
        part: ``'fit'``, ``'held_out'`` or ``'all'`` of a training set some
            of whose images are held out, see :func:`mmc2f.datasets.hold_out`;
            ``None`` for the part that the config trains on.

    Raises:
        ValueError: The config lacks one of the two, no view is at the finest
            level, or no image is held out.
    """
    for key in ('train_dataloader', 'test_dataloader'):
        if cfg.get(key) is None:
            raise ValueError(
                f'The config has no {key}; the training images are read '
                'through the pipeline of the test.'
            )
    loader = copy.deepcopy(cfg.test_dataloader.to_dict())
    for key in ('batch_sampler', 'drop_last', 'num_batch_per_epoch'):
        loader.pop(key, None)
    pipeline = [
        step
        for step in loader['dataset']['pipeline']
        if type_name(step) != _LABEL_TRANSFORM
    ]
    dataset = copy.deepcopy(cfg.train_dataloader.dataset.to_dict())
    if part is not None and not set_part(dataset, part) and part != 'all':
        raise ValueError(
            'The config holds no training image out: give it '
            'holdout = dict(num_folds=10).'
        )
    _set_pipeline(dataset, pipeline)
    loader['dataset'] = dataset
    loader['sampler'] = {'type': 'mmengine.DefaultSampler', 'shuffle': False}
    loader.setdefault('collate_fn', {'type': 'default_collate'})
    return Runner.build_dataloader(loader)


def gallery_views(cfg: Config) -> list[int | None] | None:
    """Resolutions of what :func:`train_loader_in_test_mode` reads.

    No data set is built, so the images need not be there.

    Returns:
        ``None`` where the training images do not come in several.
    """
    loader = cfg.get('train_dataloader') or {}
    dataset = loader.get('dataset') or {}
    if type_name(dataset) != _VIEWS_WRAPPER:
        return None
    return [_finest_view(dataset).get('resolution')]


def _set_pipeline(dataset: dict, pipeline: list[dict]) -> None:
    """Put a pipeline in a data set config, inside of its wrappers."""
    if type_name(dataset) == _VIEWS_WRAPPER:
        dataset['pipeline'] = pipeline
        dataset['views'] = [_finest_view(dataset)]
        return
    wrapped = dataset.get('datasets') or dataset.get('dataset')
    if wrapped is None:
        dataset['pipeline'] = pipeline
        return
    dataset.pop('pipeline', None)
    for inner in wrapped if isinstance(wrapped, list) else [wrapped]:
        _set_pipeline(inner, pipeline)


def _finest_view(dataset: dict) -> dict:
    """The view that the training images are compared in."""
    tree = LabelTree.build(dataset['tree'])
    for view in dataset['views']:
        if tree.level_index(view['level']) == 0:
            return view
    raise ValueError(
        f'no view of the training set is at level {tree.levels[0]!r}, the '
        'finest, where images are compared and classes are known; give '
        'MultiResolutionDataset one'
    )
