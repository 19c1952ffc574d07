# CCFR on ResNet-50 with 448 x 448 input and 224 x 224 crops (Section 4.2).
model = dict(
    type='mmc2f.CCFR',
    # The label tree of the multi-level loss, see ccfr_lite0.py.
    tree=dict(type='mmc2f.ClassClustering', num_clusters='silhouette'),
    backbone=dict(
        type='ResNet',
        depth=50,
        num_stages=4,
        # Strides 16 and 32.
        out_indices=(2, 3),
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(type='GlobalAveragePooling'),
    global_head=dict(
        type='mmc2f.MultiLevelHead',
        loss=dict(type='mmc2f.MultiLevelLoss', lam=1.0),
    ),
    navigator=dict(
        type='mmc2f.FPNNavigatorHead',
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
    fusion=dict(type='mmc2f.FusionNeck', out_channels=1024),
    region_head=dict(type='LinearClsHead'),
    head=dict(type='LinearClsHead'),
    ranking_loss=dict(type='mmc2f.NavigatorRankingLoss', margin=1.0),
    triplet_loss=dict(type='mmc2f.CosineTripletLoss', margin=0.3),
    num_proposals=3,
)
