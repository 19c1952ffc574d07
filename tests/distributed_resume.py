"""Stops and resumes a toy training on two CPU ranks; run by torchrun.

Usage: distributed_resume.py WORK_DIR
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from mmengine.hooks import Hook
from toy_runs import ITERATIONS, toy_config

from mmc2f.apis import latest_checkpoint
from mmc2f.engine import Interrupted, StrictRunner, start_process_group


class StopOneRank(Hook):
    """The second rank alone is asked to stop, in the second epoch."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.rank == 1 and runner.iter == ITERATIONS // 2:
            os.kill(os.getpid(), signal.SIGTERM)


def train(work_dir: Path, *hooks: Hook, resume: bool = False) -> list[float]:
    """Weights at the end."""
    cfg = toy_config(work_dir)
    cfg.launcher = 'pytorch'
    if resume:
        cfg.resume, cfg.load_from = True, latest_checkpoint(work_dir)
    runner = StrictRunner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook, priority='LOWEST')
    runner.train()
    return torch.cat([p.flatten() for p in runner.model.parameters()]).tolist()


def main(work_dir: str) -> None:
    start_process_group('pytorch')
    folder = Path(work_dir)
    result = dict(whole=train(folder / 'whole'))
    try:
        train(folder / 'stopped', StopOneRank())
    except Interrupted as stopped:
        result['stopped'] = str(stopped)
    torch.distributed.barrier()
    result['resumed'] = train(folder / 'stopped', resume=True)
    path = folder / f'rank_{torch.distributed.get_rank()}.json'
    path.write_text(json.dumps(result))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main(*sys.argv[1:])
