# A tiny plain fine-tune, as the baseline configs are.
_base_ = 'ccfr.py'
experiment_name = 'golden_baseline'

model = dict(
    _delete_=True,
    type='mmc2f.EmbeddingClassifier',
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        stem_channels=4,
        base_channels=2,
        out_indices=(2,),
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='mmc2f.CosineClsHead',
        num_classes=4,
        in_channels=8,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
)
custom_hooks = [
    dict(type='mmc2f.ClassCountHook'),
    dict(type='mmc2f.PlainCheckpointHook'),
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(
                name='classifier', epochs=4, frozen=('backbone',), lr_scale=2.0
            ),
            dict(name='finetune', epochs=6, norm_eval=('backbone',)),
        ],
    ),
]
