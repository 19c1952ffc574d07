"""The tiny images in three resolutions, and a model that notes them down."""

from pathlib import Path

import torch
from mmengine.model import BaseModel
from tiny_ccfr import TREE, loader_config
from torch import nn

VIEWS = (
    dict(name='high', level='class', resolution=None),
    dict(name='medium', level='group', resolution=16),
    dict(name='low', level='group', resolution=4),
)
META_KEYS = ('sample_idx', 'img_path', 'level', 'resolution', 'view')


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
