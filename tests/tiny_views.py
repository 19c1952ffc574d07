"""The tiny images in three resolutions, and models to train on them."""

import itertools
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from tiny_ccfr import CLASSES, TREE, loader_config
from torch import nn

VIEWS = (
    dict(name='high', level='class', resolution=None),
    dict(name='medium', level='group', resolution=16),
    dict(name='low', level='group', resolution=4),
)
META_KEYS = ('sample_idx', 'img_path', 'level', 'resolution', 'view')
# Runners of one name share their log.
_counter = itertools.count()


def views_pipeline() -> list[dict]:
    """Reads an image, lowers it to its view and packs it."""
    return [
        dict(type='mmc2f.LoadImage'),
        dict(type='mmc2f.DegradeResolution'),
        dict(
            type='PackInputs',
            algorithm_keys=('gt_label_levels',),
            meta_keys=META_KEYS,
        ),
    ]


def views_loader(
    data_root: Path,
    split: str = 'train',
    batch_size: int = 4,
    in_turn: bool = True,
    **batch_sampler: object,
) -> dict:
    """Loader of the three views; in turn, as in training, or in order."""
    loader = loader_config(data_root, split, type='DefaultSampler')
    inner = loader['dataset']
    inner['pipeline'] = []
    loader['batch_size'] = batch_size
    loader['dataset'] = dict(
        type='mmc2f.MultiResolutionDataset',
        dataset=inner,
        tree=TREE,
        views=list(VIEWS),
        pipeline=views_pipeline(),
    )
    loader['sampler']['shuffle'] = in_turn
    if in_turn:
        loader['batch_sampler'] = dict(
            type='mmc2f.RoundRobinBatchSampler', **batch_sampler
        )
    return loader


class Witness(BaseModel):
    """Notes down the samples of each batch that it trains on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.batches: list[list] = []

    def forward(self, inputs, data_samples, mode='loss'):
        self.batches.append(
            [(s.view, s.sample_idx, s.gt_label.item()) for s in data_samples]
        )
        return dict(loss=self.weight.sum())


def views_config(data_root: Path, work_dir: Path) -> Config:
    """A tiny MLPH, first its classifiers alone, then all of it.

    Args:
        data_root: What :func:`tiny_ccfr.write_images` wrote.
        work_dir: For logs and checkpoints.
    """
    tests = views_loader(data_root, 'test', in_turn=False)
    return Config(
        dict(
            default_scope='mmpretrain',
            experiment_name=f'views_{next(_counter)}',
            work_dir=str(work_dir),
            model=dict(
                type='ImageClassifier',
                data_preprocessor=dict(
                    mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True
                ),
                backbone=dict(
                    type='mmc2f.FeatureTap',
                    model_name='test_efficientnet',
                    nodes=('blocks.3', 'blocks.4', 'bn2'),
                ),
                neck=dict(
                    type='mmc2f.TrilinearPoolingNeck',
                    in_channels=(48, 64, 256),
                    channels=16,
                ),
                head=dict(
                    type='mmc2f.HierarchicalHead',
                    tree=TREE,
                    in_channels=4 * 16,
                    num_classes=len(CLASSES),
                ),
            ),
            train_dataloader=views_loader(data_root),
            test_dataloader=tests,
            train_cfg=dict(by_epoch=True, max_epochs=2),
            test_cfg=dict(),
            test_evaluator=dict(type='mmc2f.MultiResolutionMetric', tree=TREE),
            optim_wrapper=dict(
                optimizer=dict(type='SGD', lr=1e-5, momentum=0.9),
                # Roots of small products have steep gradients: at a higher
                # rate errors of rounding would soon decide where it goes.
                paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=50000))),
            ),
            custom_hooks=[
                dict(type='mmc2f.ClassCountHook'),
                dict(
                    type='mmc2f.TrainingStageHook',
                    stages=[
                        dict(
                            name='classifiers',
                            epochs=1,
                            frozen=('backbone', 'neck'),
                        ),
                        dict(
                            name='everything',
                            epochs=1,
                            norm_eval=('backbone',),
                        ),
                    ],
                ),
            ],
            randomness=dict(seed=0),
            log_level='WARNING',
        )
    )
