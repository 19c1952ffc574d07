"""Trains and tests a tiny model on several CPU ranks; run by torchrun.

Usage: distributed_training.py ccfr|fsdp|views IMAGES START WORK_DIR

START is a checkpoint to begin with, or none.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from tiny_ccfr import tiny_config
from tiny_views import views_config

from mmc2f.apis import prepare_label_tree
from mmc2f.apis.command_line import join_ranks
from mmc2f.engine import build_runner
from mmc2f.model_state import whole_weights


class BatchRecorder(Hook):
    """Notes down the images of each batch."""

    def __init__(self) -> None:
        self.batches: list[list] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self.batches.append(
            [
                (sample.get('view'), sample.img_path)
                for sample in data_batch['data_samples']
            ]
        )


def ccfr_config(images: Path, work_dir: Path) -> Config:
    """All stages, a clustering and a gallery."""
    cfg = tiny_config(images, work_dir)
    cfg.model.global_head.tree = dict(
        type='mmc2f.ClassClustering', num_clusters=2
    )
    cfg.train_dataloader.batch_size = 4
    cfg.train_dataloader.sampler.num_classes_per_batch = 2
    # FSDP has gradients of 0 where others have none, and momentum goes on.
    untrained = ('navigator', 'global_head', 'region_head')
    cfg.custom_hooks[-1].stages[-1].frozen = untrained
    cfg.custom_hooks.append(dict(type='mmc2f.ReRankHook'))
    return cfg


def fsdp_config(images: Path, work_dir: Path) -> Config:
    """The same without re-ranking, and with weights that are shared out."""
    cfg = ccfr_config(images, work_dir)
    cfg.custom_hooks.pop()
    cfg.runner_type = 'FlexibleRunner'
    cfg.strategy = dict(type='FSDPStrategy', state_dict_cfg='full')
    return cfg


CONFIGS = {'ccfr': ccfr_config, 'fsdp': fsdp_config, 'views': views_config}


def main(name: str, images: str, start: str, work_dir: str) -> None:
    cfg = CONFIGS[name](Path(images), Path(work_dir))
    cfg.launcher = 'pytorch'
    cfg.experiment_name = 'distributed'
    cfg.find_unused_parameters = True
    if start != 'none':
        cfg.load_from = start
    join_ranks(cfg)
    prepare_label_tree(cfg)
    runner = build_runner(cfg)
    recorder = BatchRecorder()
    runner.register_hook(recorder)
    runner.train()
    metrics = runner.test()
    weights = hashlib.sha256()
    with whole_weights(runner.model):
        for parameter in runner.model.module.parameters():
            weights.update(parameter.detach().numpy().tobytes())
    result = dict(
        agreed=dict(metrics=metrics, weights=weights.hexdigest()),
        batches=recorder.batches,
    )
    rank = os.environ['RANK']
    Path(work_dir, f'rank_{rank}.json').write_text(json.dumps(result))
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main(*sys.argv[1:])
