"""CCFR on the font-face demo data in minutes, its regions by parts of mmdet.

Pyramid, anchors, suppression and crops are those of mmdet and mmcv. Needs
mmdet and the compiled ops of mmcv. The data is that of ccfr_fonts.py; the
stages are shorter.
"""

_base_ = 'ccfr_fonts.py'

stage_epochs = (1, 1, 1, 1)
train_cfg = dict(val_interval=1)

model = dict(
    navigator=dict(
        # A pyramid, and a second neck that evens out its levels.
        neck=[
            dict(type='mmdet.FPN'),
            dict(type='mmdet.BFP', refine_level=1, refine_type='conv'),
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
