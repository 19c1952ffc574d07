"""MLPH with VGG-16 on CUB-200-2011, the settings of Section 4.1.

A training step of batch 8 takes 5.8 GiB and the time of hbp_cub.py
(benchmarks/config_step.py, CPU); the gallery of a test 790 MB more.
"""

_base_ = [
    '_base_/datasets/cub.py',
    '_base_/datasets/multi_resolution_448.py',
    '_base_/models/mlph_vgg16.py',
    '_base_/schedules/mlph_paper.py',
    '_base_/rerank_runtime.py',
]

model = dict(num_classes=_base_.num_classes, tree=_base_.taxonomy)
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
