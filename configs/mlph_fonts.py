"""MLPH with EfficientNet-Lite0 on the font-face demo data.

A training step takes 1.2 times that of the plain fine-tune and 1.8 GiB
(benchmarks/config_step.py, CPU, batch 32); an epoch has three times its steps.
"""

_base_ = [
    '_base_/datasets/fonts.py',
    '_base_/datasets/multi_resolution_128.py',
    '_base_/models/mlph_lite0.py',
    '_base_/schedules/mlph_stages.py',
    '_base_/rerank_calibrated.py',
]

model = dict(
    num_classes=_base_.num_classes,
    tree=_base_.taxonomy,
    # Letters are no photographs: early layers follow.
    backbone=dict(frozen=()),
    neck=dict(channels=512),
)
