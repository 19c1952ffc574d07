# CCFR on EfficientNet-Lite0: the whole image at 224 x 224, and two regions of
# the image at 448 x 448, enlarged to 160 x 160.
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
        # Half of the time of a step, and nothing that a small set can teach.
        frozen=('conv_stem', 'bn1', 'blocks.0', 'blocks.1'),
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
        scale=16.0,
        loss=dict(type='mmc2f.MultiLevelLoss', lam=1.0, label_smoothing=0.1),
    ),
    navigator=dict(
        type='mmc2f.FPNNavigatorHead',
        fpn_channels=128,
        anchors=dict(
            type='mmc2f.AnchorGenerator',
            scales=(160, 256),
            ratios=(1.0,),
            reference_size=448,
        ),
    ),
    nms=dict(type='mmc2f.ScaleSeparatedNMS', threshold=0.25, topk=1),
    cropper=dict(type='mmc2f.RegionCropper', size=160),
    fusion=dict(type='mmc2f.FusionNeck', mode='pool_mean'),
    region_head=dict(
        type='mmc2f.CosineClsHead',
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
    head=dict(
        type='mmc2f.CosineClsHead',
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
    ranking_loss=dict(
        type='mmc2f.NavigatorRankingLoss', margin=1.0, reduction='mean'
    ),
    triplet_loss=dict(type='mmc2f.CosineTripletLoss', margin=0.3),
    num_proposals=1,
    num_random=1,
    global_size=224,
    normalize_parts=True,
    coarse_source='global',
    embedding_source='pooled',
)
