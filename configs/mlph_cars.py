"""MLPH with VGG-16 on Stanford Cars, the settings of Section 4.1.

Memory and time of a training step are those of mlph_cub.py; the gallery of a
test takes 1070 MB.
"""

_base_ = [
    '_base_/datasets/cars.py',
    '_base_/datasets/multi_resolution_448.py',
    '_base_/models/mlph_vgg16.py',
    '_base_/schedules/mlph_paper.py',
    '_base_/rerank_runtime.py',
]

model = dict(num_classes=_base_.num_classes, tree=_base_.taxonomy)
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
