# CCFR on ResNet-50 with 448 x 448 input and 224 x 224 crops (Section 4.2).
model = dict(
    type='mmc2f.CCFR',
    backbone=dict(
        type='ResNet',
        depth=50,
        num_stages=4,
        # Strides 16 and 32; channels 1024 and 2048.
        out_indices=(2, 3),
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(type='GlobalAveragePooling'),
    global_head=dict(
        type='mmc2f.MultiLevelHead',
        in_channels=2048,
        loss=dict(type='mmc2f.MultiLevelLoss', lam=1.0),
    ),
    navigator=dict(
        type='mmc2f.FPNNavigatorHead',
        in_channels=(1024, 2048),
        fpn_channels=128,
        anchors=dict(
            type='mmc2f.AnchorGenerator',
            scales=(96, 192),
            ratios=(1.0,),
            reference_size=448,
        ),
    ),
    nms=dict(type='mmc2f.ScaleSeparatedNMS', threshold=0.25, topk=2),
    cropper=dict(type='mmc2f.RegionCropper', size=224),
    fusion=dict(
        type='mmc2f.FusionNeck',
        in_channels=2048,
        out_channels=1024,
        num_scales=2,
        regions_per_scale=2,
    ),
    region_head=dict(type='LinearClsHead', in_channels=2048),
    head=dict(type='LinearClsHead', in_channels=2048 + 2 * 1024),
    ranking_loss=dict(type='mmc2f.NavigatorRankingLoss', margin=1.0),
    triplet_loss=dict(type='mmc2f.CosineTripletLoss', margin=0.3),
    num_proposals=3,
)
