"""Ends sure images of a test after the global pass."""

import os
from collections.abc import Sequence

from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmc2f.model_state import unwrap_model
from mmc2f.registry import HOOKS

SHARE = 'cascade/went_on'


@HOOKS.register_module()
class CascadeHook(Hook):
    """Tests with the cascade of :meth:`mmc2f.models.CCFR.attach_cascade`.

    Only images whose best probability by the global pass is below the
    threshold get regions, an embedding and a search of the gallery. The
    metrics get ``cascade/went_on``, their share in percent. A gallery is
    built, and a validation runs, without the cascade.

    Args:
        threshold: In [0, 1]; or ``'auto'`` for what ``tools/tune_rerank.py``
            chose, in the file beside the checkpoint
            (``epoch_6.rerank.json``); or such a file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It has no threshold or is of other weights, the model has
            no global pass, or the gallery is shared out among processes.
    """

    # After the re-rank hook, which builds the gallery by the whole model, and
    # before those that write the metrics.
    priority = 55

    def __init__(self, threshold: float | str | os.PathLike = 'auto') -> None:
        self.threshold = threshold
        self._counts = [0, 0]

    def before_test_epoch(self, runner: Runner) -> None:
        from mmc2f.apis.load_model import end_early

        model = unwrap_model(runner.model)
        end_early(model, self.threshold, runner.cfg.get('load_from'))
        self._counts = [0, 0]
        if model.cascade_threshold is None:
            runner.logger.info(
                'Cascade: by the held-out images all must go on'
            )
        elif (
            get_world_size() > 1
            and model.reranker is not None
            and model.reranker.gallery.is_shared
        ):
            # A process that none goes on in would let the others wait.
            raise ValueError(
                'a gallery that is shared out among processes is searched by '
                'all of them at a time, which a cascade does not do: use a '
                'plain gallery, or leave out the cascade'
            )

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | tuple | list | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        for sample in outputs or ():
            self._counts[0] += bool(sample.get('went_on', True))
            self._counts[1] += 1

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        model = unwrap_model(runner.model)
        threshold = model.cascade_threshold
        model.attach_cascade(None)
        ranks = all_gather_object(self._counts)
        went_on, num_images = map(sum, zip(*ranks, strict=True))
        share = 100 * went_on / max(num_images, 1)
        if metrics is not None:
            metrics[SHARE] = share
        if threshold is not None:
            runner.logger.info(
                f'Cascade: {share:.1f} % of {num_images} images went on, '
                f'below {threshold:.4f}'
            )
