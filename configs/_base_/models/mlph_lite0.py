# MLPH on EfficientNet-Lite0: the last three feature maps of stride 32.
model = dict(
    type='mmc2f.EmbeddingClassifier',
    backbone=dict(
        type='mmc2f.FeatureTap',
        model_name='tf_efficientnet_lite0',
        # 192, 320 and 1280 channels.
        nodes=('blocks.5', 'blocks.6', 'bn2'),
        channels_last=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='{{$MMC2F_CHECKPOINTS:checkpoints}}/'
            'tf_efficientnet_lite0.pth',
        ),
    ),
    neck=dict(
        type='mmc2f.TrilinearPoolingNeck',
        in_channels=(192, 320, 1280),
        channels=1024,
    ),
    head=dict(
        type='mmc2f.HierarchicalHead',
        in_channels=4 * 1024,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
)
