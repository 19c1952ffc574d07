"""Plain fine-tune of EfficientNet-Lite0 on the font-face demo data."""

_base_ = [
    '_base_/datasets/fonts.py',
    '_base_/datasets/images_128.py',
    '_base_/models/lite0.py',
    '_base_/schedules/finetune.py',
    '_base_/default_runtime.py',
]

model = dict(num_classes=_base_.num_classes)
train_cfg = dict(stages=dict(finetune=dict(epochs=16)), val_interval=4)
optim_wrapper = dict(optimizer=dict(lr=0.02))
