"""CCFR with ResNet-50 on CUB-200-2011."""

_base_ = [
    '_base_/datasets/cub.py',
    '_base_/datasets/images_448.py',
    '_base_/models/ccfr_resnet50.py',
    '_base_/schedules/ccfr_paper.py',
    '_base_/rerank_runtime.py',
]

model = dict(num_classes=_base_.num_classes)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmc2f.PKSampler', num_images_per_class=4)
)
