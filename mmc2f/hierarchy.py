"""Former name of :mod:`mmc2f.clustering`, so that old imports work."""

from mmc2f.clustering import *  # noqa: F403
from mmc2f.clustering import __all__ as __all__
