"""Plain fine-tune of ResNet-50 on CUB-200-2011."""

_base_ = [
    '_base_/datasets/cub.py',
    '_base_/datasets/images_448.py',
    '_base_/models/resnet50.py',
    '_base_/schedules/finetune.py',
    '_base_/default_runtime.py',
]

model = dict(num_classes=_base_.num_classes)
train_cfg = dict(stages=dict(finetune=dict(epochs=60)))
optim_wrapper = dict(optimizer=dict(lr=0.001))
