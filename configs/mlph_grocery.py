"""MLPH with EfficientNet-Lite0 on the Grocery Store Dataset.

A training step takes 1.1 times that of the plain fine-tune and 3.9 GiB
(benchmarks/config_step.py, CPU, batch 32); an epoch has three times its steps.
"""

_base_ = [
    '_base_/datasets/grocery.py',
    '_base_/datasets/multi_resolution_224.py',
    '_base_/models/mlph_lite0.py',
    '_base_/schedules/mlph_stages.py',
    '_base_/rerank_calibrated.py',
]

model = dict(num_classes=_base_.num_classes, tree=_base_.taxonomy)
