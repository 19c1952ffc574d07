"""Keeps checkpoints loadable without running code from them."""

from mmengine.hooks import Hook

from mmc2f.registry import HOOKS


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Leaves only tensors and plain Python values in a checkpoint.

    The runner also saves the log's smoothing buffers and a few NumPy
    scalars, which ``torch.load(..., weights_only=True)``, its default,
    refuses. Without the buffers the averages in the log start afresh when a
    training is resumed; nothing else reads them.
    """

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Simplify what the runner collected.

        Args:
            runner: The runner.
            checkpoint: About to be saved, changed in place.
        """
        hub = checkpoint.get('message_hub')
        if not hub:
            return
        hub['log_scalars'] = type(hub['log_scalars'])()
        hub['runtime_info'] = {
            name: value.item() if hasattr(value, 'item') else value
            for name, value in hub['runtime_info'].items()
        }
