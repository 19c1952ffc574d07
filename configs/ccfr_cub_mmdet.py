"""CCFR with ResNet-50 on CUB-200-2011, its regions by parts of mmdet.

Pyramid, anchors, suppression and crops are those of mmdet and mmcv. Needs
mmdet and the compiled ops of mmcv. The data and the training are those of
ccfr_cub.py.
"""

_base_ = 'ccfr_cub.py'

model = dict(
    navigator=dict(
        neck=dict(type='mmdet.PAFPN'),
        anchors=dict(
            _delete_=True,
            type='mmdet.AnchorGenerator',
            # Sides of 6 strides, 96 and 192, in the middle of the cells.
            strides=[16, 32],
            scales=[6],
            ratios=[1.0],
            center_offset=0.5,
        ),
    ),
    nms=dict(type='mmc2f.BatchedNMS'),
    cropper=dict(roi_layer=dict(type='RoIAlign')),
)
