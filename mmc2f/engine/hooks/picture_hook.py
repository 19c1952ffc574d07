"""Draws pictures of a validation for TensorBoard and other back ends."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.dist import collect_results, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmc2f.arguments import check_choice, check_whole
from mmc2f.model_state import unwrap_model
from mmc2f.registry import HOOKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmc2f.evaluation import ResolutionCurves
    from mmc2f.retrieval import ReRanker
    from mmc2f.visualization.seen_images import SeenImages

__all__ = ['PictureHook']

#: More embeddings hide one another on a map.
MOST_POINTS = 1000


@HOOKS.register_module()
class PictureHook(Hook):
    """Draws what a model does in a validation, for the visualizer.

    The pictures are made of the predictions that the validation makes
    anyway, and go to all back ends of the config's ``visualizer``, as images
    ``boxes``, ``confusion`` and so on, with the epoch (of a training by
    iterations the iteration) as their step. With a back end of TensorBoard
    beside that of files::

        visualizer = dict(
            type='mmpretrain.UniversalVisualizer',
            vis_backends=[
                dict(type='LocalVisBackend'),
                dict(type='TensorboardVisBackend'),
            ],
        )
        custom_hooks = [dict(type='mmc2f.PictureHook', interval=5)]

    A picture that cannot be drawn, such as boxes of a model without regions,
    is left out, and the log says once why; the training goes on.

    Args:
        kinds: Of the pictures, as the commands of ``mmc2f draw`` are called:
            ``'boxes'``, ``'confusion'``, ``'map'``; ``'clusters'``, an image
            of each class by the super classes of the model's tree;
            ``'resolutions'``, for which the model sees the images of the
            validation again at each resolution, in a run of one process; and
            ``'rerank'``, a case that re-ranking has mended, else the first,
            and ``'sweep'``, the accuracy over its parameters, where a
            :class:`mmc2f.ReRankHook` with ``on_val`` re-ranks validations.
        interval: Every so many validations.
        num_images: Of boxes.
        method: Of the map, see
            :func:`mmc2f.clustering.project_embeddings`.
        on_test: Also draw a test.
        resolutions: In pixels; ``None``: 13 from the input size down.

    Raises:
        ValueError: A kind or a method is unknown, or a number below 1.
    """

    # After ReRankHook has attached what re-ranks, and the metrics.
    priority = 'LOW'

    def __init__(
        self,
        kinds: Sequence[str] = ('boxes', 'confusion', 'map'),
        interval: int = 1,
        num_images: int = 8,
        method: str = 'pca',
        on_test: bool = True,
        resolutions: Sequence[int] | None = None,
    ) -> None:
        # Drawing needs what training does not.
        from mmc2f.clustering.project_embeddings import METHODS
        from mmc2f.visualization.seen_images import KINDS

        if isinstance(kinds, str):
            kinds = (kinds,)
        for kind in kinds:
            check_choice('kinds', kind, KINDS)
        check_choice('method', method, METHODS)
        check_whole('interval', interval)
        check_whole('num_images', num_images)
        self.kinds = tuple(kinds)
        self.interval = interval
        self.num_images = num_images
        self.method = method
        self.on_test = on_test
        self.resolutions = resolutions
        self._seen: list = []
        self._reranker: ReRanker | None = None
        self._has_mended = False
        self._num_validations = 0
        self._left_out: set[str] = set()

    def before_val_epoch(self, runner: Runner) -> None:
        self._start()
        # ReRankHook takes it off the model before the pictures are drawn.
        self._reranker = getattr(unwrap_model(runner.model), 'reranker', None)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        if self._draws_validation():
            self._keep(runner.val_dataloader.dataset, data_batch, outputs)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        if self._draws_validation():
            self._draw(runner, runner.val_dataloader.dataset)
        self._num_validations += 1

    def before_test_epoch(self, runner: Runner) -> None:
        self.before_val_epoch(runner)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        if self.on_test:
            self._keep(runner.test_dataloader.dataset, data_batch, outputs)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        if self.on_test:
            self._draw(runner, runner.test_dataloader.dataset)

    def _draws_validation(self) -> bool:
        return (self._num_validations + 1) % self.interval == 0

    def _start(self) -> None:
        self._seen, self._has_mended = [], False

    def _keep(
        self,
        dataset: Any,
        data_batch: Mapping[str, Any],
        samples: Sequence[BaseDataElement],
    ) -> None:
        """Keep a record of all images, and of some what they look like."""
        from mmc2f.retrieval.prediction_record import prediction_record
        from mmc2f.visualization.seen_images import SeenImage, thumbnail

        meta = dataset.metainfo
        share = len(dataset) / get_world_size()
        shown_every = max(1, int(share / self.num_images))
        mapped_every = max(1, round(share / MOST_POINTS))
        for sample, bgr in zip(samples, data_batch['inputs'], strict=True):
            record = prediction_record(
                sample,
                _class_names(sample, meta),
                level_classes=meta.get('level_classes'),
            )
            place = len(self._seen)
            is_shown = not place % shown_every or self._is_first_mended(record)
            is_mapped = not place % mapped_every and 'embedding' in sample
            is_tried = 'sweep' in self.kinds and 'coarse_score' in sample
            is_tried = is_tried and 'embedding' in sample
            self._seen.append(
                SeenImage(
                    record,
                    None if 'gt_label' not in sample else int(sample.gt_label),
                    _to_rgb(bgr) if is_shown else None,
                    thumbnail(_to_rgb(bgr)) if is_mapped else None,
                    sample.embedding.float().cpu()
                    if is_mapped or is_tried
                    else None,
                    sample.coarse_score.float().cpu() if is_tried else None,
                )
            )

    def _is_first_mended(self, record: Mapping[str, Any]) -> bool:
        from mmc2f.retrieval.chosen_predictions import is_mended

        found = not self._has_mended and is_mended(record)
        self._has_mended |= found
        return found

    def _draw(self, runner: Runner, dataset: Any) -> None:
        from mmc2f.apis.gallery_images import GalleryImages
        from mmc2f.apis.load_model import label_tree
        from mmc2f.visualization.seen_images import SeenImages, to_array

        # In the order of the data set, without what a sampler repeats.
        seen = collect_results(self._seen, len(dataset))
        self._start()
        if not is_main_process():
            return
        model = unwrap_model(runner.model)
        names = dataset.metainfo.get('classes') or ()
        training = GalleryImages(runner.cfg)
        drawn = SeenImages(
            seen,
            names,
            label_tree(model, runner.cfg),
            lambda entry: training.read(entry['image']),
            self.method,
            self._reranker,
            lambda: measure_resolutions(runner, self.resolutions),
        )
        for kind in self.kinds:
            picture = self._picture(runner, drawn, kind)
            if picture is not None:
                image = to_array(picture)
                runner.visualizer.add_image(kind, image, _step(runner))

    def _picture(
        self, runner: Runner, drawn: 'SeenImages', kind: str
    ) -> 'Figure | np.ndarray | None':
        """The picture, if it can be drawn; else the log says why not."""
        try:
            return drawn.draw(kind)
        except ValueError as error:
            if kind not in self._left_out:
                self._left_out.add(kind)
                runner.logger.warning(f'PictureHook draws no {kind}: {error}')
            return None


def measure_resolutions(
    runner: Runner, resolutions: Sequence[int] | None
) -> 'ResolutionCurves':
    """Accuracy of each level on the images of the validation, lowered.

    Raises:
        ValueError: There are no levels, or several processes.
    """
    from mmc2f.apis.complete_dataloaders import complete_dataloaders
    from mmc2f.apis.load_model import label_tree
    from mmc2f.datasets.resolution_loader import resolution_loader
    from mmc2f.evaluation import measure_curves

    if get_world_size() > 1:
        raise ValueError('one process sees a share of the images only')
    model = unwrap_model(runner.model)
    tree = label_tree(model, runner.cfg)
    if tree is None:
        raise ValueError('there is no tree of classes')
    cfg = runner.cfg.copy()
    complete_dataloaders(cfg, persistent_workers=False)
    # A loader draws a number, which the training would miss.
    with torch.random.fork_rng(devices=[]):
        loader = resolution_loader(cfg, tree, resolutions)
        return measure_curves(model, loader, tree, shows_progress=False)


def _to_rgb(bgr: Tensor) -> np.ndarray:
    """Packed images are BGR, channels first."""
    return bgr.cpu().numpy()[::-1].transpose(1, 2, 0).copy()


def _step(runner: Runner) -> int:
    """What the host's log counts validations by."""
    by_iterations = isinstance(runner._train_loop, IterBasedTrainLoop)
    return runner.iter if by_iterations else runner.epoch


def _class_names(
    sample: BaseDataElement, meta: Mapping[str, Any]
) -> Sequence[str]:
    """Those of the data set; without any, numbers."""
    names = meta.get('classes')
    if names:
        return names
    return [str(place) for place in range(len(sample.pred_score))]
