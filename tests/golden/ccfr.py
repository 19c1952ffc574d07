# A tiny CCFR written out in full, as configs were at commit 23ca531.
default_scope = 'mmpretrain'
experiment_name = 'golden_ccfr'
work_dir = 'work'
custom_imports = dict(imports=['mmc2f'])
log_level = 'WARNING'
randomness = dict(seed=0)
env_cfg = dict(mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))

tree = dict(
    levels=['class', 'group'],
    classes=[['amber', 'blue', 'cyan', 'dun'], ['warm', 'cold']],
    parents=[[0, 1, 1, 0]],
)
model = dict(
    type='mmc2f.CCFR',
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        stem_channels=4,
        base_channels=2,
        out_indices=(1, 2),
    ),
    neck=dict(type='GlobalAveragePooling'),
    global_head=dict(
        type='mmc2f.MultiLevelHead',
        num_classes=4,
        in_channels=8,
        tree=tree,
        loss=dict(type='mmc2f.MultiLevelLoss', lam=1.0, label_smoothing=0.1),
    ),
    navigator=dict(
        type='mmc2f.FPNNavigatorHead',
        in_channels=(4, 8),
        fpn_channels=4,
        anchors=dict(
            type='mmc2f.AnchorGenerator', scales=(24, 40), reference_size=None
        ),
    ),
    nms=dict(type='mmc2f.ScaleSeparatedNMS', threshold=0.25, topk=2),
    cropper=dict(type='mmc2f.RegionCropper', size=32),
    fusion=dict(
        type='mmc2f.FusionNeck',
        in_channels=8,
        out_channels=6,
        num_scales=2,
        regions_per_scale=2,
    ),
    region_head=dict(type='LinearClsHead', num_classes=4, in_channels=8),
    head=dict(
        type='LinearClsHead',
        num_classes=4,
        in_channels=8 + 2 * 6,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
        topk=(1, 2),
    ),
    ranking_loss=dict(
        type='mmc2f.NavigatorRankingLoss', margin=1.0, reduction='mean'
    ),
    triplet_loss=dict(type='mmc2f.CosineTripletLoss', margin=0.3),
    num_proposals=3,
)

pipeline = [dict(type='mmc2f.LoadImage'), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type='mmc2f.ImageFolder',
        data_root='images',
        split='train',
        pipeline=pipeline,
    ),
    sampler=dict(
        type='mmc2f.PKSampler', num_classes_per_batch=4, num_images_per_class=2
    ),
    collate_fn=dict(type='default_collate'),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type='mmc2f.ImageFolder',
        data_root='images',
        split='test',
        pipeline=pipeline,
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
test_cfg = dict()
test_evaluator = dict(type='Accuracy', topk=1)
train_cfg = dict(by_epoch=True, max_epochs=10)

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'head': dict(lr_mult=10),
            'fusion': dict(lr_mult=10),
            'backbone': dict(lr_mult=1),
            'navigator': dict(lr_mult=1),
        }
    ),
)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        begin=end - epochs,
        end=end,
        T_max=epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
    for epochs, end in ((4, 4), (2, 6), (4, 10))
]
default_hooks = dict(
    checkpoint=dict(
        type='CheckpointHook',
        interval=10,
        save_optimizer=False,
        save_param_scheduler=False,
    )
)
custom_hooks = [
    dict(type='mmc2f.ClassCountHook'),
    dict(type='mmc2f.PlainCheckpointHook'),
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(name='pretraining', epochs=4, losses=('multi_level',)),
            dict(
                name='navigator',
                epochs=2,
                losses=('region', 'ranking'),
                frozen=('backbone', 'global_head'),
                warm_start=('region_head',),
            ),
            dict(
                name='joint',
                epochs=4,
                losses=('softmax', 'triplet'),
                norm_eval=('backbone',),
                lr_scale=0.2,
                warm_start=('head',),
            ),
        ],
    ),
]
