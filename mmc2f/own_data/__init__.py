"""From one's own images to a config: what ``mmc2f init`` does.

``listing`` finds images and their classes, ``examine`` reads each once,
``near_duplicates`` finds pictures that are there twice, ``split`` keeps them
together, and ``config_files`` writes what trains.
"""

from mmc2f.own_data.findings import Findings
from mmc2f.own_data.init_config import Initialized, InitOptions, init_config
from mmc2f.own_data.split import propose_split

__all__ = [
    'Findings',
    'InitOptions',
    'Initialized',
    'init_config',
    'propose_split',
]
