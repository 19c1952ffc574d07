# A plain classifier on EfficientNet-Lite0: fine-tune to compare with.
model = dict(
    type='mmc2f.EmbeddingClassifier',
    backbone=dict(
        type='mmc2f.FeatureTap',
        model_name='tf_efficientnet_lite0',
        nodes=('bn2',),
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
    head=dict(
        type='mmc2f.CosineClsHead',
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
    embedding_source='pooled',
)
