"""MMEngine's runner, with weights that must fit, and on the CPU too."""

from collections.abc import Callable, Sequence
from typing import Any

from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import BaseLoop, CheckpointLoader, Runner
from torch import nn

from mmc2f.engine.process_group import start_process_group
from mmc2f.engine.quiet_screen import keep_pages_in_file
from mmc2f.weights import load_weights, state_dict_of

__all__ = ['StrictRunner']

#: Beside the weights, what a training goes on from.
STATE = ('meta', 'message_hub')


class StrictRunner(Runner):
    """MMEngine's runner, with weights that must fit, and on the CPU too.

    MMEngine loads what fits and warns of the rest, so that an empty file is
    tested as well, with random weights. Here a test, a validation and a
    training that is resumed need every tensor of the model, in its shape. A
    training that starts from a checkpoint (``load_from``) takes what fits,
    at least one tensor, and logs in a line what it leaves out.

    Several processes need no GPU: see
    :func:`~mmc2f.engine.start_process_group`.
    """

    def setup_env(self, env_cfg: dict) -> None:
        """Also join processes that have no GPU, which MMEngine refuses."""
        start_process_group(self._launcher, **env_cfg.get('dist_cfg', {}))
        super().setup_env(env_cfg)

    def wrap_model(
        self, model_wrapper_cfg: dict | None, model: nn.Module
    ) -> nn.Module:
        """As MMEngine's; on the CPU the wrapper is not told a GPU."""
        if get_device() != 'cpu' or not self.distributed:
            return super().wrap_model(model_wrapper_cfg, model)
        options = dict(
            type='mmengine.MMDistributedDataParallel',
            broadcast_buffers=False,
            find_unused_parameters=self.cfg.get(
                'find_unused_parameters', False
            ),
        )
        options.update(model_wrapper_cfg or {})
        return MODEL_WRAPPERS.build(dict(options, module=model))

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """As MMEngine's, with the long pages in the log file alone."""
        logger = super().build_logger(*args, **kwargs)
        keep_pages_in_file(logger)
        return logger

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool | None = None,
        revise_keys: Sequence[tuple[str, str]] = (),
    ) -> dict[str, Any]:
        """Load weights into the model.

        Args:
            filename: File or address.
            map_location: As for ``torch.load``.
            strict: Whether every tensor must fit; by default as the class
                says.
            revise_keys: Not used: the prefix of distributed wrappers is
                taken off in any case.

        Returns:
            The checkpoint.

        Raises:
            MisfitError: The weights do not fit.
            ValueError: A training is to be resumed, and there are weights
                only.
        """
        content = CheckpointLoader.load_checkpoint(filename, map_location)
        is_training = isinstance(self._train_loop, BaseLoop)
        is_resumed = is_training and self._resume
        if is_resumed and not all(part in content for part in STATE):
            raise ValueError(
                f'{filename} holds weights, but not the state of a training '
                'to resume: start a new one from it, with load_from'
            )
        self.call_hook('after_load_checkpoint', checkpoint=content)
        if strict is None:
            strict = is_resumed or not is_training
        weights = state_dict_of(content, filename)
        load_weights(
            self.model, weights, filename, needed='' if strict else ()
        )
        self._has_loaded = True
        return content
