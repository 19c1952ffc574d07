"""A toy training in which the second of two processes is killed.

Usage: distributed_death.py WORK_DIR
"""

import os
import signal
import sys
from pathlib import Path

from mmengine.hooks import Hook
from toy_runs import toy_config

from mmc2f.apis.command_line import run_tool
from mmc2f.engine import StrictRunner


class KillSecond(Hook):
    """As the system does where memory runs out."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == 1 and runner.iter == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    cfg = toy_config(Path(sys.argv[1]))
    cfg.launcher = 'pytorch'
    runner = StrictRunner.from_cfg(cfg)
    runner.register_hook(KillSecond())
    runner.train()


if __name__ == '__main__':
    run_tool(main)
