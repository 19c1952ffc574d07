"""CCFR with Swin-T on CUB-200-2011."""

_base_ = 'ccfr_cub.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='SwinTransformer',
        arch='tiny',
        img_size=224,
        # Strides 16 and 32. Input and crops are
        # multiples of 7 * 32, so that the windows fill each map.
        out_indices=(2, 3),
        drop_path_rate=0.2,
        # ImageNet-1k, as the ResNet-50 of ccfr_cub.py.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/'
            'swin-transformer/swin_tiny_224_b16x64_300e_imagenet_'
            '20210616_090925-66df6be6.pth',
            prefix='backbone.',
        ),
    ),
    fusion=dict(out_channels=512),
)
# AdamW and clipping as mmpretrain's Swin-L on CUB-200-2011 has them; rates,
# decay and the factor of the new parts are our choice, not tuned.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=5e-5, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={
            'head': dict(lr_mult=10),
            'fusion': dict(lr_mult=10),
            'navigator': dict(lr_mult=10),
            '.relative_position_bias_table': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=5.0),
)
