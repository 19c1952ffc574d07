"""CCFR on the font-face demo data in minutes, its regions by parts of mmdet.

Pyramid, anchors, suppression and crops are those of mmdet and mmcv. Needs
mmdet and the compiled ops of mmcv. The data is that of ccfr_fonts.py; the
stages are shorter.
"""

_base_ = 'ccfr_fonts.py'

# Multi-level pretraining, navigator, softmax and triplet.
stage_epochs = (1, 1, 1)

# ------------------------------------------------------------------- the rest
model = dict(
    navigator=dict(
        # A pyramid, and a second neck that evens out its levels.
        neck=[
            dict(
                type='mmdet.FPN',
                in_channels=[112, 1280],
                out_channels=128,
                num_outs=2,
            ),
            dict(
                type='mmdet.BFP',
                in_channels=128,
                num_levels=2,
                refine_level=1,
                refine_type='conv',
            ),
        ],
        anchors=dict(
            _delete_=True,
            type='mmdet.AnchorGenerator',
            # For images of 128 pixels.
            strides=[16, 32],
            base_sizes=[27, 55],
            scales=[1],
            ratios=[1.0],
            centers=[(8, 8), (16, 16)],
        ),
    ),
    nms=dict(type='mmc2f.BatchedNMS'),
    cropper=dict(roi_layer=dict(type='RoIAlign')),
)
stage_ends = [sum(stage_epochs[: i + 1]) for i in range(len(stage_epochs))]
custom_hooks = [
    dict(
        hook,
        stages=[
            dict(stage, epochs=epochs)
            for stage, epochs in zip(hook['stages'], stage_epochs)
        ],
    )
    if 'stages' in hook
    else hook
    for hook in _base_.custom_hooks
]
train_cfg = dict(max_epochs=stage_ends[-1], val_interval=1)
param_scheduler = [
    dict(rate, begin=end - epochs, end=end, T_max=epochs)
    for rate, epochs, end in zip(
        _base_.param_scheduler, stage_epochs, stage_ends
    )
]
