"""Registry nodes of scope ``mmc2f``, children of MMEngine's root registries.

Only the kinds that this package adds components to have a node. Write the
prefix in configs (``type='mmc2f.CCFR'``): MMEngine then imports this module
and, through ``locations``, every component, so no ``custom_imports`` is
needed.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import (
    OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
)
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry as MMEngineRegistry

from mmc2f.optional import check_config
from mmc2f.weights import guard_host

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'TASK_UTILS',
    'TRANSFORMS',
]

SCOPE = 'mmc2f'


class Registry(MMEngineRegistry):
    """A registry that names the command to install missing packages."""

    def build(self, cfg, *args, **kwargs):
        check_config(cfg)
        return super().build(cfg, *args, **kwargs)


HOOKS = Registry(
    'hook', parent=MMENGINE_HOOKS, scope=SCOPE, locations=['mmc2f.engine']
)
LOOPS = Registry(
    'loop', parent=MMENGINE_LOOPS, scope=SCOPE, locations=['mmc2f.engine']
)
DATASETS = Registry(
    'dataset',
    parent=MMENGINE_DATASETS,
    scope=SCOPE,
    locations=['mmc2f.datasets'],
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=MMENGINE_DATA_SAMPLERS,
    scope=SCOPE,
    locations=['mmc2f.datasets.samplers'],
)
TRANSFORMS = Registry(
    'transform',
    parent=MMENGINE_TRANSFORMS,
    scope=SCOPE,
    locations=['mmc2f.datasets.transforms'],
)
MODELS = Registry(
    'model', parent=MMENGINE_MODELS, scope=SCOPE, locations=['mmc2f.models']
)
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope=SCOPE,
    locations=['mmc2f.engine'],
)
METRICS = Registry(
    'metric',
    parent=MMENGINE_METRICS,
    scope=SCOPE,
    locations=['mmc2f.evaluation'],
)
# Things that are neither modules nor hooks: anchor generators, galleries,
# indices, re-rankers, class clusterings.
TASK_UTILS = Registry(
    'task util',
    parent=MMENGINE_TASK_UTILS,
    scope=SCOPE,
    locations=['mmc2f.models', 'mmc2f.retrieval', 'mmc2f.clustering'],
)

# Whoever names a part of this package gets no code from a checkpoint.
guard_host()
