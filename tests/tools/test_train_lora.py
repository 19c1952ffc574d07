"""The tools train and test a transformer by LoRA, and re-rank with it."""

import pytest
import torch
from mmpretrain.models import VisionTransformer
from tiny_ccfr import write_images
from tool_helpers import load_tool, write_config

NO_WORKERS = [
    '--cfg-options',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'test_dataloader.num_workers=0',
]
NETWORK = dict(
    arch=dict(
        embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32
    ),
    img_size=96,
    patch_size=16,
    out_type='featmap',
)
LORA = """
model['backbone'] = dict(
    _delete_=True,
    type='LoRAModel',
    module=dict(
        type='VisionTransformer',
        init_cfg=dict(type='Pretrained', checkpoint={weights!r}),
        **{network!r},
    ),
    rank=2,
    alpha=2,
    targets=[dict(type='.*qkv')],
)
model['navigator'] = dict(
    in_indices=(-1,),
    fpn_channels=8,
    neck=dict(type='mmc2f.SimpleFeaturePyramid'),
)
"""


@pytest.fixture(autouse=True)
def _own_local_rank(monkeypatch):
    """The tools set it for good."""
    monkeypatch.setenv('LOCAL_RANK', '0')


def test_tools_train_cluster_test_and_rerank_with_lora(tmp_path):
    network = VisionTransformer(**NETWORK)
    network.init_weights()
    weights = tmp_path / 'vit.pth'
    torch.save(network.state_dict(), weights)
    images = write_images(
        tmp_path / 'images', splits=('train', 'test'), size=128
    )
    config = write_config(tmp_path / 'own.py', images)
    with config.open('a', encoding='utf-8') as file:
        file.write(LORA.format(weights=str(weights), network=NETWORK))

    work_dir = tmp_path / 'work'
    load_tool('train.py').main(
        [str(config), '--work-dir', str(work_dir), *NO_WORKERS]
    )
    checkpoint = work_dir / 'epoch_4.pth'
    saved = torch.load(checkpoint, weights_only=True)['state_dict']
    kept = [name for name in saved if name.startswith('backbone.')]
    assert kept and all('.lora_' in name for name in kept)
    assert any(saved[name].any() for name in kept if '.lora_up.' in name)

    metrics = load_tool('test.py').main(
        [
            *(str(config), str(checkpoint)),
            *('--work-dir', str(tmp_path / 'test')),
            *NO_WORKERS,
        ]
    )
    assert metrics['rerank/coarse_top1'] >= 0
    assert metrics['rerank/rerank_top1'] >= 0
