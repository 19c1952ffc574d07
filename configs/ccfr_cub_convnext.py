"""CCFR with ConvNeXt-T on CUB-200-2011."""

_base_ = 'ccfr_cub.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ConvNeXt',
        arch='tiny',
        # Strides 16 and 32.
        out_indices=(2, 3),
        # Maps, not their means.
        gap_before_final_norm=False,
        drop_path_rate=0.1,
        # ImageNet-1k, as the ResNet-50 of ccfr_cub.py.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://mmassets.onedl.ai/mmclassification/v0/'
            'convnext/convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth',
            prefix='backbone.',
        ),
    ),
    fusion=dict(out_channels=512),
)
# AdamW as ConvNeXt is fine-tuned with (arXiv:2201.03545, Table 5); rates,
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
        },
    ),
    clip_grad=dict(max_norm=5.0),
)
