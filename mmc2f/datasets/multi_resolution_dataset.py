"""One data set at several resolutions, each with its level of classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset, Compose
from mmpretrain.registry import DATASETS as HOST_DATASETS
from mmpretrain.registry import TRANSFORMS as HOST_TRANSFORMS

from mmc2f.datasets.requirements import class_names
from mmc2f.datasets.resolution_view import ResolutionView
from mmc2f.datasets.transforms import AddHierarchyLabels
from mmc2f.registry import DATASETS
from mmc2f.structures import LabelTree

__all__ = ['MultiResolutionDataset']


@DATASETS.register_module()
class MultiResolutionDataset:
    """Serves each image in several views, say high, medium and low. ::

        dict(
            type='mmc2f.MultiResolutionDataset',
            dataset=dict(type='mmc2f.ImageFolder', data_root=...),
            tree='cub',
            views=[
                dict(name='high', level='species', resolution=None),
                dict(name='medium', level='genus', resolution=112),
                dict(name='low', level='family', resolution=56),
            ],
            pipeline=[
                dict(type='mmc2f.LoadImage'),
                ...,
                dict(type='mmc2f.DegradeResolution'),
                dict(
                    type='mmpretrain.PackInputs',
                    algorithm_keys=['gt_label_levels'],
                    meta_keys=[..., 'level', 'resolution', 'view'],
                ),
            ],
        )

    The task of "Coarse-to-Fine Grained Classification" (Section 2): images
    of lower resolution are to be told apart at a coarser level. Sample
    ``view * N + i`` is image ``i`` of ``N`` in that view. On top of what the
    wrapped data set tells of an image a sample has

    - ``view`` (str) and ``resolution`` (int or ``None``), for
      :class:`mmc2f.DegradeResolution` to act on;
    - ``level`` (int), index of the view's level in the tree;
    - ``gt_label`` (int), the class at that level;
    - ``gt_label_levels``, ``(L,)`` int64, the class at every level;
    - ``sample_idx`` (int), its index here.

    ``metainfo`` is that of the wrapped data set with ``levels`` (names),
    ``level_classes`` (class names of each level) and ``views`` (names);
    ``classes`` stay those of the finest level.

    Args:
        dataset: Data set of single-label images, or its config, without a
            pipeline. Where it is in test mode, or has another
            ``max_refetch``, so is this.
        tree: Hierarchy, as :meth:`LabelTree.build` takes it. Its finest
            classes are those of the data set.
        views: One or more of ``dict(name=..., level=..., resolution=...)``:
            a name of its own; name or index of a level of the tree; pixels
            of the shorter edge, or ``None`` for the image as it is.
        pipeline: Transforms of every sample.
        lazy_init: Leave reading the annotations to :meth:`full_init`.

    Attributes:
        groups: Indices of each view, a range a view.

    Raises:
        TypeError: ``dataset`` is no data set.
        ValueError: The views or the tree do not fit, or there are transforms
            where they would not work.
    """

    def __init__(
        self,
        dataset: BaseDataset | dict,
        tree: LabelTree | str | Path | Mapping,
        views: Sequence[Mapping[str, Any]],
        pipeline: Sequence = (),
        lazy_init: bool = False,
    ) -> None:
        self.dataset = _build_dataset(dataset)
        self.tree = LabelTree.build(tree)
        self.views = ResolutionView.build_all(views, self.tree)
        self.pipeline = _build_pipeline(pipeline)
        self.test_mode = getattr(self.dataset, 'test_mode', False)
        self.max_refetch = getattr(self.dataset, 'max_refetch', 1000)
        self._add_levels = AddHierarchyLabels(self.tree)
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Read the annotations, and compare their classes with the tree."""
        if self._fully_initialized:
            return
        self.dataset.full_init()
        self.tree.check_class_names(
            class_names(self.dataset), type(self.dataset).__name__
        )
        self._num_images = len(self.dataset)
        self._fully_initialized = True

    @property
    def metainfo(self) -> dict:
        """Meta information, see the class."""
        meta = self.dataset.metainfo
        finest = meta.get('classes', self.tree.names())
        coarser = [self.tree.names(level) for level in self.tree.levels[1:]]
        return {
            **meta,
            'levels': list(self.tree.levels),
            'level_classes': [list(names) for names in (finest, *coarser)],
            'views': [view.name for view in self.views],
        }

    @property
    def data_root(self) -> str | None:
        """Folder of the wrapped data set, ``None`` where it has none."""
        return getattr(self.dataset, 'data_root', None)

    @property
    def num_images(self) -> int:
        """Images of the wrapped data set."""
        self.full_init()
        return self._num_images

    @property
    def groups(self) -> list[range]:
        """Indices of each view."""
        count = self.num_images
        return [
            range(view * count, (view + 1) * count)
            for view in range(len(self.views))
        ]

    def __len__(self) -> int:
        """Images times views."""
        return len(self.views) * self.num_images

    def get_data_info(self, idx: int) -> dict:
        """What is known of a sample, see the class.

        Raises:
            IndexError: There is no such sample.
            ValueError: Its label is outside of the tree. Names the image.
        """
        index = self._positive(idx)
        place, image = divmod(index, self.num_images)
        view = self.views[place]
        info = self._add_levels.transform(self.dataset.get_data_info(image))
        info.update(
            sample_idx=index,
            view=view.name,
            level=view.level,
            resolution=view.resolution,
            gt_label=int(info['gt_label_levels'][view.level]),
        )
        return info

    def get_cat_ids(self, idx: int) -> list[int]:
        """Class of a sample at the level of its view, in a list."""
        return [self.get_data_info(idx)['gt_label']]

    def prepare_data(self, idx: int) -> Any:
        """A sample after the pipeline."""
        return self.pipeline(self.get_data_info(idx))

    def __getitem__(self, idx: int) -> Any:
        """A sample after the pipeline; in training, one that can be read.

        Where the pipeline gives ``None``, as for an unreadable file, training
        takes another image at random in the same view, so that a batch stays
        of one view.

        Raises:
            IndexError: There is no such sample.
            RuntimeError: The pipeline gives ``None`` in testing, or for
                ``max_refetch`` further images.
        """
        index = self._positive(idx)
        group = self.groups[index // self.num_images]
        for _ in range(1 if self.test_mode else self.max_refetch + 1):
            data = self.prepare_data(index)
            if data is not None:
                return data
            # From the state that MMEngine seeds in every worker.
            index = np.random.randint(group.start, group.stop)  # noqa: NPY002
        raise RuntimeError(
            f'the pipeline gives nothing for sample {idx} of '
            f'{type(self).__name__}'
            + (
                ': in testing every image must be readable'
                if self.test_mode
                else f', nor for {self.max_refetch} other images'
            )
        )

    def __repr__(self) -> str:
        views = '\n'.join(f'    {view}' for view in self.views)
        return f'{type(self).__name__} of\n{self.dataset!r}\nin\n{views}'

    def _positive(self, idx: int) -> int:
        if not -len(self) <= idx < len(self):
            raise IndexError(f'no sample {idx} among {len(self)}')
        return int(idx) % len(self)


def _build_dataset(dataset: BaseDataset | dict) -> BaseDataset:
    if isinstance(dataset, Mapping):
        dataset = HOST_DATASETS.build(dataset)
    if not hasattr(dataset, 'get_data_info'):
        raise TypeError(
            'MultiResolutionDataset wraps a data set or its config, not a '
            f'{type(dataset).__name__}'
        )
    if getattr(getattr(dataset, 'pipeline', None), 'transforms', ()):
        raise ValueError(
            f'{type(dataset).__name__} inside of MultiResolutionDataset has a '
            'pipeline, which would not run; move it out to '
            'MultiResolutionDataset'
        )
    return dataset


def _build_pipeline(pipeline: Sequence) -> Compose:
    """As mmpretrain's data sets do, whose transforms need no prefix."""
    transforms = [
        HOST_TRANSFORMS.build(step) if isinstance(step, dict) else step
        for step in pipeline
    ]
    if any(isinstance(step, AddHierarchyLabels) for step in transforms):
        raise ValueError(
            'the pipeline of MultiResolutionDataset has AddHierarchyLabels, '
            'which would take the class of a coarser view for one of the '
            'finest level; take it out, the labels of all levels are there'
        )
    return Compose(transforms)
