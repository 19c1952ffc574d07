# MLPH on EfficientNet-Lite0: the last three feature maps of stride 32.
model = dict(
    type='mmc2f.EmbeddingClassifier',
    backbone=dict(
        type='mmc2f.FeatureTap',
        model_name='tf_efficientnet_lite0',
        nodes=('blocks.5', 'blocks.6', 'bn2'),
        # Half of the time of a step, and nothing that a small set can teach.
        frozen=('conv_stem', 'bn1', 'blocks.0', 'blocks.1'),
        channels_last=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MMC2F_CHECKPOINTS:checkpoints}}/'
            'tf_efficientnet_lite0.pth',
        ),
    ),
    neck=dict(
        type='mmc2f.TrilinearPoolingNeck',
        channels=1024,  # d: of each projection, so of each product
        interactions=((0, 1), (0, 2), (1, 2), (0, 1, 2)),
    ),
    head=dict(
        type='mmc2f.HierarchicalHead',
        scale=16.0,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
        # On held-out images of Grocery a level is then never answered worse
        # than by the class above the finest answer.
        combine='product',
        level_weights=0.6,
        level_sharpness=4.0,
    ),
)
