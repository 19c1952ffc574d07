"""Builds or loads the gallery before a test and re-ranks its predictions."""

import os.path as osp
import time
from typing import TYPE_CHECKING

import rich
import torch
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.utils.data import DataLoader

from mmc2f.datasets.train_loader_in_test_mode import (
    train_loader_in_test_mode,
)
from mmc2f.model_state import unwrap_model
from mmc2f.registry import HOOKS, TASK_UTILS

if TYPE_CHECKING:
    from mmc2f.retrieval import ReRanker


@HOOKS.register_module()
class ReRankHook(Hook):
    """Re-ranks predictions by retrieval (Section 3.3 of CCFR).

    Before a test it fills the gallery with the embeddings of the training
    images in test mode, or loads it from a file, and attaches a re-ranker to
    the model, whose predictions then carry both scores. Afterwards it
    detaches it and prints the table of coarse, retrieval and re-ranked
    accuracy.

    Args:
        post_processor: Config of the re-ranking. With ``params='auto'`` its
            arguments, and ``whiten`` of the gallery, are those that
            ``tools/tune_rerank.py`` wrote beside the checkpoint that is
            tested (``epoch_6.rerank.json``); without such a file the coarse
            answer stays, ``mode='none'``. ``params`` may also be the path of
            such a file, which is then taken for any weights. Arguments that
            the config gives go before those of the file. With
            ``params='if_tuned'`` it is one or the other: the file where
            there is one, and what the config says where not.
        gallery: Config of the gallery and its index.
        gallery_part: Which training images are in the gallery where
            some are held out (``holdout`` of the config): ``'fit'``, those
            that were trained on, or ``'all'``.
        gallery_file: Gallery to load instead of building one. One made by
            other weights, another pipeline or other classes is refused.
        save_gallery: Where to save a gallery that was built; None does not.
        calibration_dataloader: Images that ``t_sf='auto'`` is measured on;
            None takes ``val_dataloader``. They must not be test images.
        on_val: Also re-rank during validation. Each validation then embeds
            the training set.

    Raises:
        ValueError: ``t_sf='auto'`` without calibration images of its own, or
            a gallery that does not fit the model.
    """

    def __init__(
        self,
        post_processor: dict = dict(type='mmc2f.ReRankPostProcessor'),  # noqa: B006
        gallery: dict = dict(type='mmc2f.Gallery'),  # noqa: B006
        gallery_file: str | None = None,
        save_gallery: str | None = None,
        calibration_dataloader: dict | None = None,
        on_val: bool = False,
        gallery_part: str | None = None,
    ) -> None:
        self.post_processor_cfg = dict(post_processor)
        self.params = self.post_processor_cfg.pop('params', None)
        # Here too, so that a wrong argument fails before the weights load.
        self.post_processor = TASK_UTILS.build(self.post_processor_cfg)
        self.gallery_cfg = dict(gallery)
        self.gallery_part = gallery_part
        self.gallery_file = gallery_file
        self.save_gallery = save_gallery
        self.calibration_dataloader = calibration_dataloader
        self.on_val = on_val
        self._reranker: ReRanker | None = None
        self._gallery_now = self.gallery_cfg
        self._seconds: dict[str, float] = {}
        self._start = 0.0

    def before_test_epoch(self, runner: Runner) -> None:
        self._attach(runner, runner.test_dataloader)

    def after_test_epoch(self, runner: Runner, metrics=None) -> None:
        self._detach(runner, metrics)

    def before_val_epoch(self, runner: Runner) -> None:
        if self.on_val:
            self._attach(runner, runner.val_dataloader)

    def after_val_epoch(self, runner: Runner, metrics=None) -> None:
        if self.on_val:
            self._detach(runner, metrics)

    def _attach(self, runner: Runner, dataloader: DataLoader) -> None:
        from mmc2f.retrieval import ReRanker, run_fingerprint

        model = unwrap_model(runner.model)
        if not hasattr(model, 'attach_reranker'):
            raise ValueError(
                f'ReRankHook needs a model that embeds images, such as '
                f'mmc2f.CCFR; {type(model).__name__} does not'
            )
        if isinstance(runner.model, FullyShardedDataParallel):
            raise ValueError(
                'the gallery needs all weights in each process, which FSDP '
                'shares out: leave out on_val, and test the checkpoint with '
                'tools/test.py'
            )
        start = time.perf_counter()
        loader = train_loader_in_test_mode(runner.cfg, self.gallery_part)
        made_by = run_fingerprint(runner.cfg, model, loader.dataset)
        self._read_params(runner, made_by['weights'])
        gallery = self._gallery(runner, loader, made_by)
        self._seconds = {'gallery': time.perf_counter() - start}
        if not self.post_processor.is_calibrated:
            self._calibrate(runner, dataloader)
        self._reranker = ReRanker(self.post_processor, gallery)
        model.attach_reranker(self._reranker)
        self._start = time.perf_counter()

    def _detach(self, runner: Runner, metrics: dict | None) -> None:
        from mmc2f.evaluation import rerank_table

        unwrap_model(runner.model).attach_reranker(None)
        total = time.perf_counter() - self._start
        assert self._reranker is not None
        search = self._reranker.seconds
        seconds = {
            **self._seconds,
            'coarse': total - search,
            'retrieval': total,
            'rerank': total,
        }
        if is_main_process() and metrics:
            rich.print(rerank_table(metrics, seconds, self._description()))

    def _description(self) -> str:
        """Mode and whitening, for the table."""
        assert self._reranker is not None
        mode, whiten = self.post_processor.mode, self._reranker.gallery.whiten
        return f'mode {mode}' + (f', whitened ({whiten})' if whiten else '')

    def _read_params(self, runner: Runner, weights: str) -> None:
        """Build the post-processor, from the tuned parameters if asked."""
        from mmc2f.retrieval.tuned_rerank import chosen_rerank

        # Anew each time: what is tuned or measured is for one state of the
        # weights.
        own, self._gallery_now, tuned = chosen_rerank(
            self.params,
            self.post_processor_cfg,
            self.gallery_cfg,
            runner.cfg.get('load_from'),
            weights,
        )
        if tuned is not None:
            runner.logger.info(tuned.summary())
        self.post_processor = TASK_UTILS.build(own)

    def _gallery(self, runner: Runner, loader: DataLoader, made_by: dict):
        """Load or build the gallery, on every rank."""
        from mmc2f.retrieval import build_gallery, load_gallery

        cfg = self._gallery_now
        if self.gallery_file is not None:
            return load_gallery(self.gallery_file, made_by, cfg)
        gallery = TASK_UTILS.build(cfg)
        build_gallery(unwrap_model(runner.model), loader, gallery, made_by)
        saves = gallery.is_shared or is_main_process()
        if self.save_gallery is not None and saves:
            gallery.save(self.save_gallery)
            runner.logger.info(f'Gallery saved to {self.save_gallery}')
        return gallery

    def _calibrate(self, runner: Runner, tested: DataLoader) -> None:
        """The paper's rule for T_sf, on images that are not tested."""
        from mmc2f.datasets.resolution_view import of_first_view

        loader = self._calibration_loader(runner)
        shared = _paths(loader.dataset) & _paths(tested.dataset)
        if shared:
            raise ValueError(
                f"t_sf='auto' is measured on validation images, but "
                f'{len(shared)} of them are test images too '
                f'({sorted(shared)[0]} ...): give the ReRankHook a '
                'calibration_dataloader of other images, or t_sf a number'
            )
        model = runner.model
        model.eval()
        with torch.no_grad():
            probs = [
                (sample.get('view'), sample.coarse_score.cpu())
                for batch in loader
                for sample in model.test_step(batch)
                if not sample.get('level')
            ]
        # Every rank needs the same threshold.
        ranks = all_gather_object(probs)
        counted = of_first_view([pair for share in ranks for pair in share])
        t_sf = self.post_processor.calibrate(torch.stack(counted))
        runner.logger.info(
            f'T_sf = {t_sf:.4f}, the mean top-1 softmax of {len(counted)} '
            'validation images'
        )

    def _calibration_loader(self, runner: Runner) -> DataLoader:
        cfg = self.calibration_dataloader
        if cfg is None:
            cfg = runner.cfg.get('val_dataloader')
        if cfg is None:
            raise ValueError(
                "t_sf='auto' needs validation images: give the ReRankHook a "
                'calibration_dataloader or the config a val_dataloader'
            )
        return runner.build_dataloader(cfg)


def _paths(dataset) -> set[str]:
    """Files that a data set consists of, however they were named."""
    infos = (dataset.get_data_info(i) for i in range(len(dataset)))
    return {
        osp.realpath(info['img_path']) for info in infos if 'img_path' in info
    }
