# The loaders of images_224.py at 448 x 448, for models that look twice: at the
# whole, reduced, and at regions cut from the large image.
_base_ = 'images_224.py'

input_size = 448

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
    dict(type='ResizeEdge', scale=512, edge='short', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=input_size),
    dict(type='PackInputs'),
]

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
