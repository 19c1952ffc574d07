"""``init_cfg=dict(type='Pretrained')``, which says what it left out."""

from mmengine.model.weight_init import (
    PretrainedInit as HostPretrainedInit,
)
from mmengine.model.weight_init import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner import CheckpointLoader
from torch import nn

from mmc2f.weights.load import MisfitError, load_weights, state_dict_of

__all__ = ['PretrainedInit']


@WEIGHT_INITIALIZERS.register_module(name='Pretrained', force=True)
class PretrainedInit(HostPretrainedInit):
    """Takes the place of MMEngine's, with the same arguments.

    MMEngine's warns that the model and the file do not match exactly in every
    normal start, since a backbone has no classifier, and so nobody reads it.
    This one warns where a part of the model is not in the file, and refuses
    a file that has nothing of the model.

    Raises:
        MisfitError: Nothing in the file fits.
    """

    def __call__(self, module: nn.Module) -> None:
        """Read the file into ``module``."""
        content = CheckpointLoader.load_checkpoint(
            self.checkpoint, self.map_location
        )
        weights = state_dict_of(content, self.checkpoint)
        if self.prefix:
            prefix = self.prefix.rstrip('.') + '.'
            weights = {
                name.removeprefix(prefix): value
                for name, value in weights.items()
                if name.startswith(prefix)
            }
            if not weights:
                raise MisfitError(
                    f'{self.checkpoint} has no weights below {prefix!r}'
                )
        load_weights(module, weights, self.checkpoint, needed=())
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())
