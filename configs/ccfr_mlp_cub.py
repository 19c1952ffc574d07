"""Both papers together: CCFR with the multi-linear pooling of MLPH, on CUB.

MLPH's neck makes the global feature of CCFR, from the three blocks of the last
stage of ResNet-50; regions, losses, stages and re-ranking are those of CCFR.
"""

_base_ = 'ccfr_cub.py'

channels = 8192  # d: of each projection, so of each product
interactions = ((0, 1), (0, 2), (1, 2), (0, 1, 2))

global_channels = len(interactions) * channels
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmc2f.FeatureTap',
        source='torchvision',
        model_name='resnet50',
        # The navigator reads the first and the last.
        nodes=('layer3', 'layer4.0', 'layer4.1', 'layer4.2'),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(
        _delete_=True,
        type='mmc2f.TrilinearPoolingNeck',
        in_channels=(2048, 2048, 2048),
        channels=channels,
        interactions=interactions,
    ),
    navigator=dict(in_indices=(0, -1)),
    global_head=dict(in_channels=global_channels),
    head=dict(in_channels=global_channels + 2 * 1024),
)
# A region's feature is pooled another way than the global one, so that its
# classifier cannot start from the global one.
stages = [dict(stage) for stage in _base_.stages]
stages[1].pop('warm_start')
custom_hooks = [
    *_base_.custom_hooks[:-2],
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(stage, epochs=epochs)
            for stage, epochs in zip(stages, _base_.stage_epochs)
        ],
    ),
    _base_.custom_hooks[-1],
]
optim_wrapper = dict(
    # Features of unit length have small gradients.
    paramwise_cfg=dict(
        custom_keys={
            'global_head': dict(lr_mult=1000),
            'neck': dict(lr_mult=10),
        }
    ),
)
