"""Plain fine-tune of EfficientNet-Lite0 on the font-face demo data."""

_base_ = [
    '_base_/datasets/fonts.py',
    '_base_/datasets/images_128.py',
    '_base_/models/lite0.py',
    '_base_/schedules/finetune.py',
    '_base_/rerank_roots.py',
]

model = dict(num_classes=_base_.num_classes, backbone=dict(frozen=()))
stage_epochs = (2, 27)
train_cfg = dict(
    # Letters are no photographs: statistics and early layers follow.
    stages=dict(finetune=dict(norm_eval=())),
    val_interval=20,
)
