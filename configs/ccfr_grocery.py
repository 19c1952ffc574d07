"""CCFR with EfficientNet-Lite0 on the Grocery Store Dataset."""

_base_ = [
    '_base_/datasets/grocery.py',
    '_base_/datasets/images_448_lite0.py',
    '_base_/models/ccfr_lite0.py',
    '_base_/schedules/ccfr_stages.py',
    '_base_/rerank_roots.py',
]

model = dict(num_classes=_base_.num_classes)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmc2f.PKSampler', num_images_per_class=2)
)
