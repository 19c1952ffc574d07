"""Training images that the weights do not see, to tune on.

A network is sure of the images that it was trained on, and embeds them
neatly by class. Whatever is chosen on them (thresholds, temperatures,
whether to re-rank at all) is wrong for new images. So some are held out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset
from mmpretrain.registry import DATASETS as HOST_DATASETS

from mmc2f.arguments import check_choice, check_whole, type_name
from mmc2f.registry import DATASETS

__all__ = ['apply_holdout', 'hold_out', 'set_part', 'split_folds']

PARTS = ('fit', 'held_out', 'all')
_TYPE = 'HoldOut'


@DATASETS.register_module(name=_TYPE)
def hold_out(
    dataset: BaseDataset | dict,
    part: str = 'fit',
    num_folds: int = 10,
    fold: int = 0,
    seed: int = 0,
    pipeline: Sequence[dict] | None = None,
) -> BaseDataset:
    """Cut a data set down to a part of its images, stratified by class.

    As a config: ``dict(type='mmc2f.HoldOut', dataset=dict(...),
    num_folds=10)``. Simpler is ``holdout = dict(num_folds=10)`` at the top
    of a config, see :func:`apply_holdout`.

    Args:
        dataset: Data set of single-label images, or its config; changed.
        part: ``'fit'``, the images to train on; ``'held_out'``, the others;
            ``'all'``.
        num_folds: The images are dealt into this many folds, see
            :func:`split_folds`; one of them is held out.
        fold: Which one. Training ``num_folds`` models with one fold each
            gives every image a prediction by weights that have not seen it
            (cross-fitting).
        seed: Of the split; it does not depend on anything else.
        pipeline: Transforms of the data set, where its config has none.

    Returns:
        The data set itself, so whatever works with it still does.

    Raises:
        ValueError: An unknown part, a fold that is not there, or nothing
            would be held out.
    """
    check_choice('part', part, PARTS)
    if isinstance(dataset, Mapping):
        if pipeline is not None:
            dataset = {**dataset, 'pipeline': pipeline}
        dataset = HOST_DATASETS.build(dataset)
    if part == 'all':
        return dataset
    dataset.full_init()
    labels = [
        dataset.get_data_info(i)['gt_label'] for i in range(len(dataset))
    ]
    is_held_out = split_folds(labels, num_folds, seed) == fold
    if not is_held_out.any():
        raise ValueError(
            f'fold {fold} of {num_folds} has none of the {len(labels)} '
            'images: fold counts from 0, and a class of one image is never '
            'held out'
        )
    chosen = is_held_out if part == 'held_out' else ~is_held_out
    dataset.get_subset_(np.flatnonzero(chosen).tolist())
    return dataset


def split_folds(
    labels: Sequence[int], num_folds: int, seed: int
) -> np.ndarray:
    """Deal images into folds of about equal size, class by class.

    The images of a class go to the folds in turn, and each class goes on
    where the one before it ended, so folds differ by one image at most. A
    class of two images or more is never held out whole.

    Args:
        labels: N labels.
        num_folds: At least 2.
        seed: Chooses the images.

    Returns:
        Fold of each image, ``(N,)`` int; -1 for the only image of a class.

    Raises:
        ValueError: Fewer than two folds.
    """
    check_whole('num_folds', num_folds, least=2)
    classes = np.asarray(labels)
    rng = np.random.default_rng(seed)
    folds = np.full(len(classes), -1)
    dealt = 0
    for label in np.unique(classes):
        images = rng.permutation(np.flatnonzero(classes == label))
        if len(images) > 1:
            folds[images] = (dealt + np.arange(len(images))) % num_folds
            dealt += len(images)
    return folds


def apply_holdout(cfg: Config) -> None:
    """Train without the images that ``holdout`` of a config holds out.

    ``holdout = dict(num_folds=10, fold=0, seed=0)`` puts a
    :func:`hold_out` around the training data set, inside of the wrappers
    that it has. ``None``, or nothing, trains on all images.

    Args:
        cfg: Full config, changed in place. To do it twice changes nothing.
    """
    options = cfg.get('holdout')
    loader = cfg.get('train_dataloader')
    if options and loader:
        wrapped = _wrap(loader.dataset.to_dict(), dict(options))
        loader.dataset = ConfigDict(wrapped)


def set_part(dataset: dict, part: str) -> bool:
    """Choose the part of every :func:`hold_out` in a data set's config.

    Returns:
        Whether there is one.
    """
    if type_name(dataset) == _TYPE:
        dataset['part'] = part
        return True
    found = [set_part(inner, part) for inner in _wrapped(dataset)]
    return any(found)


def _wrap(dataset: dict, options: dict[str, Any]) -> dict:
    if type_name(dataset) == _TYPE:
        return {**dataset, **options}
    inner = dataset.get('datasets')
    if inner is not None:
        return {**dataset, 'datasets': [_wrap(d, options) for d in inner]}
    if 'dataset' in dataset:
        return {**dataset, 'dataset': _wrap(dataset['dataset'], options)}
    return dict(type=f'mmc2f.{_TYPE}', dataset=dataset, **options)


def _wrapped(dataset: dict) -> list[dict]:
    inner = dataset.get('datasets') or dataset.get('dataset') or []
    return inner if isinstance(inner, list) else [inner]
