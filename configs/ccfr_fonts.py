"""CCFR with EfficientNet-Lite0 on the font-face demo data."""

_base_ = [
    '_base_/datasets/fonts.py',
    '_base_/datasets/images_128.py',
    '_base_/models/ccfr_lite0.py',
    '_base_/schedules/ccfr_pretrained_stages.py',
    '_base_/rerank_roots.py',
]

model = dict(
    num_classes=_base_.num_classes,
    tree='fonts',  # not clustered, but known
    backbone=dict(frozen=()),
    global_size=None,
    cropper=dict(size=64),
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmc2f.PKSampler', num_images_per_class=2)
)
stage_epochs = (2, 16, 3, 8)
train_cfg = dict(
    # Letters are no photographs: statistics and early layers follow.
    stages=dict(pretraining=dict(norm_eval=())),
    val_interval=20,
)
