"""Both papers together: CCFR with the multi-linear pooling of MLPH, on CUB.

MLPH's neck makes the global feature of CCFR, from the three blocks of the last
stage of ResNet-50; regions, losses, stages and re-ranking are those of CCFR.
"""

_base_ = 'ccfr_cub.py'

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
    neck=dict(_delete_=True, type='mmc2f.TrilinearPoolingNeck', channels=8192),
    navigator=dict(in_indices=(0, -1)),
)
# A region's feature is pooled another way than the global one, so that its
# classifier cannot start from the global one.
train_cfg = dict(stages=dict(navigator=dict(warm_start=())))
optim_wrapper = dict(
    # Features of unit length have small gradients.
    paramwise_cfg=dict(
        custom_keys={
            'global_head': dict(lr_mult=1000),
            'neck': dict(lr_mult=10),
        }
    ),
)
