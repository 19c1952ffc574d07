"""CCFR with EfficientNet-Lite0 on Caltech-UCSD Birds 200 (2010)."""

_base_ = [
    '_base_/datasets/cub2010.py',
    '_base_/datasets/images_448_lite0.py',
    '_base_/models/ccfr_lite0.py',
    '_base_/schedules/ccfr_stages.py',
    '_base_/rerank_roots.py',
]

model = dict(num_classes=_base_.num_classes)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmc2f.PKSampler', num_images_per_class=2)
)
train_cfg = dict(val_interval=3)
