# CCFR on EfficientNet-Lite0 with 224 x 224 input and 112 x 112 crops.
model = dict(
    type='mmc2f.CCFR',
    # The label tree of the multi-level loss: clustered from the starting
    # weights, or a packaged name such as 'grocery', a csv or a json file.
    tree=dict(type='mmc2f.ClassClustering', num_clusters='silhouette'),
    backbone=dict(
        type='mmc2f.FeatureTap',
        model_name='tf_efficientnet_lite0',
        # Strides 16 and 32.
        nodes=('blocks.4', 'bn2'),
        channels_last=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MMC2F_CHECKPOINTS:checkpoints}}/'
            'tf_efficientnet_lite0.pth',
        ),
    ),
    neck=dict(type='GlobalAveragePooling'),
    global_head=dict(
        type='mmc2f.MultiLevelHead',
        loss=dict(type='mmc2f.MultiLevelLoss', lam=1.0, label_smoothing=0.1),
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
    cropper=dict(type='mmc2f.RegionCropper', size=112),
    fusion=dict(type='mmc2f.FusionNeck', out_channels=512),
    region_head=dict(type='LinearClsHead'),
    head=dict(
        type='LinearClsHead',
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
    ranking_loss=dict(
        type='mmc2f.NavigatorRankingLoss', margin=1.0, reduction='mean'
    ),
    triplet_loss=dict(type='mmc2f.CosineTripletLoss', margin=0.3),
    num_proposals=3,
)
