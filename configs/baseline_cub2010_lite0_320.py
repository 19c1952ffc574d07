"""Plain fine-tune at 320 pixels, the cost of CCFR, on CUB 2010."""

_base_ = [
    '_base_/datasets/cub2010.py',
    '_base_/datasets/images_320.py',
    '_base_/models/lite0.py',
    '_base_/schedules/finetune.py',
    '_base_/rerank_roots.py',
]

model = dict(num_classes=_base_.num_classes)
train_cfg = dict(val_interval=3)
