# A tiny MLPH written out in full, as configs were at commit 23ca531.
default_scope = 'mmpretrain'
experiment_name = 'golden_mlph'
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
views = [
    dict(name='high', level='class', resolution=None),
    dict(name='medium', level='group', resolution=16),
    dict(name='low', level='group', resolution=4),
]
interactions = ((0, 1), (0, 2), (1, 2), (0, 1, 2))
model = dict(
    type='mmc2f.EmbeddingClassifier',
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
    backbone=dict(
        type='ResNet',
        depth=18,
        num_stages=3,
        strides=(1, 1, 1),
        dilations=(1, 1, 1),
        stem_channels=4,
        base_channels=2,
        out_indices=(0, 1, 2),
    ),
    neck=dict(
        type='mmc2f.TrilinearPoolingNeck',
        in_channels=(2, 4, 8),
        channels=8,
        interactions=interactions,
    ),
    head=dict(
        type='mmc2f.HierarchicalHead',
        tree=tree,
        num_classes=4,
        in_channels=4 * 8,
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
)

pipeline = [
    dict(type='mmc2f.LoadImage'),
    dict(type='mmc2f.DegradeResolution'),
    dict(
        type='PackInputs',
        algorithm_keys=('gt_label_levels',),
        meta_keys=('sample_idx', 'img_path', 'level', 'resolution', 'view'),
    ),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    drop_last=False,
    dataset=dict(
        type='mmc2f.MultiResolutionDataset',
        dataset=dict(
            type='mmc2f.ImageFolder', data_root='images', split='train'
        ),
        tree=tree,
        views=views,
        pipeline=pipeline,
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='mmc2f.RoundRobinBatchSampler'),
    collate_fn=dict(type='default_collate'),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        type='mmc2f.MultiResolutionDataset',
        dataset=dict(
            type='mmc2f.ImageFolder', data_root='images', split='test'
        ),
        tree=tree,
        views=views,
        pipeline=pipeline,
    ),
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
test_cfg = dict()
test_evaluator = dict(type='mmc2f.MultiResolutionMetric', tree=tree)
train_cfg = dict(by_epoch=True, max_epochs=2)

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-5, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={'head': dict(lr_mult=3000), 'neck': dict(lr_mult=10)}
    ),
)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        begin=begin,
        end=begin + 1,
        T_max=1,
        by_epoch=True,
        convert_to_iter_based=True,
    )
    for begin in (0, 1)
]
default_hooks = dict(
    checkpoint=dict(
        type='CheckpointHook',
        interval=2,
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
            dict(name='classifiers', epochs=1, frozen=('backbone',)),
            dict(
                name='everything',
                epochs=1,
                norm_eval=('backbone',),
                lr_scale=0.2,
            ),
        ],
    ),
]
