# The loaders of images_448.py for three resolutions. As in MLPH (Section 4.1)
# the image keeps its proportions, with 512 pixels along its shorter side; a
# view lowers the cut-out image to its resolution and brings it back.
_base_ = 'images_448.py'

load = [
    dict(type='mmc2f.LoadImage'),
    dict(type='ResizeEdge', scale=512, edge='short', interpolation='bicubic'),
]
finish = [
    dict(type='mmc2f.DegradeResolution'),
    dict(
        type='PackInputs',
        algorithm_keys=('gt_label_levels',),
        meta_keys=('sample_idx', 'img_path', 'level', 'resolution', 'view'),
    ),
]
train_pipeline = [
    *load,
    dict(type='RandomCrop', crop_size=_base_.input_size),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    *finish,
]
test_pipeline = [
    *load,
    dict(type='CenterCrop', crop_size=_base_.input_size),
    *finish,
]

train_dataloader = dict(
    # The batch sampler decides what to drop.
    drop_last=False,
    dataset=dict(type='mmc2f.MultiResolutionDataset', pipeline=train_pipeline),
    batch_sampler=dict(type='mmc2f.RoundRobinBatchSampler'),
)
val_dataloader = dict(
    dataset=dict(type='mmc2f.MultiResolutionDataset', pipeline=test_pipeline)
)
test_dataloader = val_dataloader
