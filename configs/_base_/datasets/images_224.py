# Pipelines and loaders for 224 x 224 input. The data set itself stands in a
# file of its own.
input_size = 224

data_preprocessor = dict(
    # EfficientNet-Lite: pixels to -1 ... 1, RGB.
    mean=[127.5, 127.5, 127.5],
    std=[127.5, 127.5, 127.5],
    to_rgb=True,
)

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
    dict(type='ResizeEdge', scale=256, edge='short', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=input_size),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    dataset=dict(type='mmc2f.OpenDataset', pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    dataset=dict(type='mmc2f.OpenDataset', pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = val_dataloader
# The batch size that the learning rates are meant for, see --auto-scale-lr.
auto_scale_lr = dict(base_batch_size=32)
