"""Plain fine-tune of EfficientNet-Lite0 on the Grocery Store Dataset."""

_base_ = [
    '_base_/datasets/grocery.py',
    '_base_/datasets/images_224.py',
    '_base_/models/lite0.py',
    '_base_/schedules/finetune.py',
    '_base_/rerank_roots.py',
]

model = dict(num_classes=_base_.num_classes)
