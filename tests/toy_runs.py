"""Trainings of three numbers, which take no time."""

import itertools
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from mmengine.runner import Runner
from torch import nn

ITERATIONS = 4  # of an epoch
# Runners of one name share their log.
_counter = itertools.count()


@DATASETS.register_module(force=True)
class ToyNumbers:
    """Eight samples of random numbers."""

    def __init__(self):
        self.metainfo = dict(classes=('a',))

    def __getitem__(self, index):
        return index + torch.rand(3)

    def __len__(self):
        return 2 * ITERATIONS


@METRICS.register_module(force=True)
class ToyMetric(BaseMetric):
    """Rises with each validation."""

    score = 0.0

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        self.score += 1
        return dict(score=self.score)


@MODELS.register_module(force=True)
class ToyModel(BaseModel):
    """Draws at random in each step, and answers nothing."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, *inputs, mode='loss'):
        inputs = torch.stack(inputs)
        if mode == 'loss':
            drawn = torch.nn.functional.dropout(inputs)
            return dict(loss=self.layer(drawn).square().mean())
        return [dict(sum=self.layer(inputs).sum().item())]


def toy_config(work_dir: Path, epochs=(2, 1), **changes) -> Config:
    """Two stages of four iterations an epoch."""
    names = ('one', 'two', 'three')
    loader = dict(
        batch_size=2,
        num_workers=0,
        dataset=dict(type='mmengine.ToyNumbers'),
        sampler=dict(type='DefaultSampler', shuffle=True),
    )
    cfg = Config(
        dict(
            default_scope='mmengine',
            experiment_name=f'toy_{next(_counter)}',
            work_dir=str(work_dir),
            model=dict(type='ToyModel'),
            train_dataloader=loader,
            train_cfg=dict(
                type='mmc2f.StagedTrainLoop',
                stages={
                    name: dict(
                        epochs=length,
                        schedule=dict(type='CosineAnnealingLR'),
                    )
                    for name, length in zip(names, epochs, strict=False)
                },
            ),
            optim_wrapper=dict(
                optimizer=dict(type='SGD', lr=0.01, momentum=0.9)
            ),
            default_hooks=dict(
                checkpoint=dict(
                    type='mmc2f.AtomicCheckpointHook',
                    interval=1,
                    max_keep_ckpts=2,
                ),
            ),
            custom_hooks=[dict(type='mmc2f.PlainCheckpointHook')],
            randomness=dict(seed=0),
            log_level='ERROR',
        )
    )
    cfg.merge_from_dict(changes)
    return cfg


def toy_runner(cfg: Config, *hooks) -> Runner:
    """A runner with further hooks."""
    runner = Runner.from_cfg(cfg)
    for hook in hooks:
        runner.register_hook(hook, priority='LOWEST')
    return runner


def with_validation(cfg: Config, interval: int = 1) -> Config:
    """Also evaluate after each epoch."""
    cfg.train_cfg.val_interval = interval
    cfg.val_dataloader = cfg.train_dataloader.copy()
    cfg.val_cfg = dict()
    cfg.val_evaluator = dict(type='ToyMetric')
    return cfg
