"""The runner that a config asks for."""

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import FlexibleRunner, Runner

from mmc2f.arguments import check_choice, type_name
from mmc2f.engine.process_group import start_process_group
from mmc2f.engine.strict_runner import StrictRunner

__all__ = ['build_runner']


def build_runner(cfg: Config) -> Runner | FlexibleRunner:
    """A :class:`~mmc2f.engine.StrictRunner`, or MMEngine's FlexibleRunner.

    The latter, ``runner_type = 'FlexibleRunner'``, trains by a ``strategy``,
    such as FSDP, which shares the weights out among the processes::

        runner_type = 'FlexibleRunner'
        strategy = dict(type='FSDPStrategy', state_dict_cfg='full')

    With ``'full'`` a checkpoint is as any other, so that one process can test
    it.

    Args:
        cfg: Full config; on the CPU the strategy is told so in it.

    Raises:
        ValueError: There is no such runner.
    """
    kind = cfg.get('runner_type', 'Runner')
    check_choice('runner_type', kind, ('Runner', 'FlexibleRunner'))
    if kind == 'Runner':
        return StrictRunner.from_cfg(cfg)
    # MMEngine's runner does without, its FlexibleRunner does not.
    cfg.env_cfg = cfg.get('env_cfg') or dict()
    strategy = cfg.get('strategy')
    is_fsdp = strategy is not None and type_name(strategy) == 'FSDPStrategy'
    if is_fsdp and get_device() == 'cpu':
        options = cfg.env_cfg.get('dist_cfg', {})
        start_process_group(cfg.get('launcher', 'none'), **options)
        wrapper = strategy.get('model_wrapper') or {}
        strategy.model_wrapper = dict(device_id='cpu') | dict(wrapper)
    return FlexibleRunner.from_cfg(cfg)
