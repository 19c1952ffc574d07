# Pipelines and loaders for 448 x 448 input, the papers' size. The data set
# itself stands in a file of its own.
input_size = 448

data_preprocessor = dict(
    # ImageNet statistics, RGB.
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

train_pipeline = [
    dict(type='mmc2f.LoadImage'),
    dict(type='Resize', scale=(600, 600), interpolation='bicubic'),
    dict(type='RandomCrop', crop_size=input_size),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmc2f.LoadImage'),
    dict(type='Resize', scale=(600, 600), interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=input_size),
    dict(type='PackInputs'),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    dataset=dict(type='mmc2f.OpenDataset', pipeline=train_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=4,
    persistent_workers=True,
    dataset=dict(type='mmc2f.OpenDataset', pipeline=test_pipeline),
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = val_dataloader
# The batch size that the learning rates are meant for, see --auto-scale-lr.
auto_scale_lr = dict(base_batch_size=16)
