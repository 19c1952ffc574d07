"""Trains and tests a tiny model on two CPU ranks; run by torchrun.

Usage: distributed_training.py ccfr|views IMAGES WORK_DIR
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import Runner
from tiny_ccfr import tiny_config
from tiny_views import views_config

from mmc2f.apis import prepare_label_tree


@MODEL_WRAPPERS.register_module()
class CPUDistributedDataParallel(MMDistributedDataParallel):
    """The runner always names a GPU, which a model on the CPU refuses."""

    def __init__(self, module, device_ids=None, **kwargs):
        super().__init__(module=module, **kwargs)


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
    cfg.custom_hooks.append(dict(type='mmc2f.ReRankHook'))
    return cfg


CONFIGS = {'ccfr': ccfr_config, 'views': views_config}


def main(name: str, images: str, work_dir: str) -> None:
    # MMEngine's own start of a process group sets a CUDA device.
    torch.distributed.init_process_group('gloo')
    cfg = CONFIGS[name](Path(images), Path(work_dir))
    cfg.launcher = 'pytorch'
    cfg.experiment_name = 'distributed'
    cfg.model_wrapper_cfg = dict(
        type='mmengine.CPUDistributedDataParallel',
        find_unused_parameters=True,
    )
    prepare_label_tree(cfg)
    runner = Runner.from_cfg(cfg)
    recorder = BatchRecorder()
    runner.register_hook(recorder)
    runner.train()
    metrics = runner.test()
    weights = hashlib.sha256()
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
