# Pipelines and loaders for the 128 x 128 pictures of the demo data. Letters
# are neither mirrored nor cut.
input_size = 128

data_preprocessor = dict(
    # EfficientNet-Lite: pixels to -1 ... 1, RGB.
    mean=[127.5, 127.5, 127.5],
    std=[127.5, 127.5, 127.5],
    to_rgb=True,
)

train_pipeline = [
    dict(type='mmc2f.LoadImage'),
    dict(
        type='RandomCrop',
        crop_size=input_size,
        padding=12,
        padding_mode='edge',
    ),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmc2f.LoadImage'),
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
