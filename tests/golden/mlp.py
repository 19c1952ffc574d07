# A tiny MLP, which is MLPH without hierarchy, as the mlp configs are.
_base_ = 'mlph.py'
experiment_name = 'golden_mlp'

model = dict(
    head=dict(
        _delete_=True,
        type='LinearClsHead',
        num_classes=4,
        in_channels=4 * 8,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
)
train_dataloader = dict(dataset=dict(views=_base_.views[:1]))
train_cfg = dict(by_epoch=True, max_epochs=5)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        begin=0,
        end=5,
        T_max=5,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
custom_hooks = [
    dict(type='mmc2f.ClassCountHook'),
    dict(type='mmc2f.PlainCheckpointHook'),
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(name='classifiers', epochs=2, frozen=('backbone',)),
            dict(name='everything', epochs=3, norm_eval=('backbone',)),
        ],
    ),
]
