# The loaders of images_224.py for three resolutions: a view lowers the cut-out
# image to its resolution and brings it back to the input size.
_base_ = 'images_224.py'

finish = [
    dict(type='mmc2f.DegradeResolution'),
    dict(
        type='PackInputs',
        algorithm_keys=('gt_label_levels',),
        meta_keys=('sample_idx', 'img_path', 'level', 'resolution', 'view'),
    ),
]
train_dataloader = dict(
    # The batch sampler decides what to drop.
    drop_last=False,
    dataset=dict(
        type='mmc2f.MultiResolutionDataset',
        pipeline=[*_base_.train_pipeline[:-1], *finish],
    ),
    batch_sampler=dict(type='mmc2f.RoundRobinBatchSampler'),
)
val_dataloader = dict(
    dataset=dict(
        type='mmc2f.MultiResolutionDataset',
        pipeline=[*_base_.test_pipeline[:-1], *finish],
    )
)
test_dataloader = val_dataloader
