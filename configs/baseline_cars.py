"""Plain fine-tune of ResNet-50 on Stanford Cars."""

_base_ = [
    '_base_/datasets/cars.py',
    '_base_/datasets/images_448.py',
    '_base_/models/resnet50.py',
    '_base_/schedules/finetune_paper.py',
    '_base_/default_runtime.py',
]

model = dict(num_classes=_base_.num_classes)
