# The loaders of images_224.py at 320 x 320: the cost of CCFR, which sends
# 224^2 + 2 * 160^2 = 318^2 pixels through the network.
_base_ = 'images_224.py'

input_size = 320

train_pipeline = [
    dict(type='mmc2f.LoadImage'),
    dict(
        type='RandomResizedCrop',
        scale=input_size,
        crop_ratio_range=(0.35, 1.0),
        interpolation='bicubic',
    ),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='ColorJitter', brightness=0.2, contrast=0.2, saturation=0.2),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmc2f.LoadImage'),
    dict(type='ResizeEdge', scale=366, edge='short', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=input_size),
    dict(type='PackInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
