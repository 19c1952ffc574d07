"""Plain fine-tune of EfficientNet-Lite0 on the font-face demo data."""

_base_ = [
    '_base_/datasets/fonts.py',
    '_base_/datasets/images_128.py',
    '_base_/models/lite0.py',
    '_base_/schedules/finetune.py',
    '_base_/rerank_calibrated.py',
]

model = dict(num_classes=_base_.num_classes, backbone=dict(frozen=()))
# Letters are no photographs: statistics and early layers follow.
train_cfg = dict(
    stages=dict(
        classifier=dict(epochs=2, min_iters=0),
        finetune=dict(epochs=27, min_iters=0, norm_eval=()),
    ),
    val_interval=20,
)
