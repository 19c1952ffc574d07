"""A toy training in which the second of two processes dies or hangs.

Usage: distributed_loss.py kill|hang WORK_DIR
"""

import os
import signal
import sys
import time
from pathlib import Path

from mmengine.hooks import Hook
from toy_runs import toy_config

from mmc2f.apis.command_line import run_tool
from mmc2f.engine import StrictRunner

# Long enough for processes that start at unequal speed.
TIMEOUT = 20


class LoseSecond(Hook):
    """As the system kills where memory runs out, or storage hangs."""

    def __init__(self, how: str) -> None:
        self.how = how

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank != 1 or runner.iter != 1:
            return
        if self.how == 'kill':
            os.kill(os.getpid(), signal.SIGKILL)
        Path(runner.work_dir, 'hangs').touch()
        time.sleep(10 * TIMEOUT)


def main() -> None:
    how, work_dir = sys.argv[1:]
    cfg = toy_config(Path(work_dir))
    cfg.launcher = 'pytorch'
    cfg.env_cfg = dict(dist_cfg=dict(timeout=TIMEOUT))
    runner = StrictRunner.from_cfg(cfg)
    runner.register_hook(LoseSecond(how))
    runner.train()


if __name__ == '__main__':
    run_tool(main)
