"""CCFR with DINOv2's ViT-B/14 on CUB-200-2011."""

_base_ = 'ccfr_cub.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='VisionTransformer',
        arch='base',
        patch_size=14,
        # That of the weights. The position embeddings are resized from it
        # to 32 x 32 patches for 448 x 448 input, 16 x 16 for the crops.
        img_size=518,
        layer_scale_init_value=1e-5,
        # The last block's map: stride 14.
        out_type='featmap',
        drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmpretrain/v1.0/dinov2/'
            'vit-base-p14_dinov2-pre_3rdparty_20230426-ba246503.pth',
            prefix='backbone.',
        ),
    ),
    navigator=dict(
        in_indices=(-1,),
        # Strides 14 and 28.
        neck=dict(
            type='mmc2f.SimpleFeaturePyramid',
            scales=(1.0, 0.5),
        ),
    ),
    fusion=dict(out_channels=512),
)
# Low, since all of a large pretrained transformer is trained; our choice, not
# tuned.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-5, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={
            'head': dict(lr_mult=50),
            'fusion': dict(lr_mult=50),
            'navigator': dict(lr_mult=50),
            '.cls_token': dict(decay_mult=0.0),
            '.pos_embed': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=5.0),
)
