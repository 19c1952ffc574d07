"""CCFR with EfficientNet-Lite0 on the Grocery Store Dataset, on a CPU."""

_base_ = [
    '_base_/datasets/images_224.py',
    '_base_/models/ccfr_lite0.py',
    '_base_/default_runtime.py',
]

# ------------------------------------------------------------------ your data
# An image folder with one directory a class:
#   train_data = dict(type='mmc2f.ImageFolder', data_root=ROOT, split='train')
#   test_data = dict(type='mmc2f.ImageFolder', data_root=ROOT, split='val')
#   taxonomy = None
num_classes = 81
data_root = '{{$MMC2F_DATA:data}}/grocery'
train_data = dict(type='mmc2f.GroceryStore', data_root=data_root, split='train')
test_data = dict(type='mmc2f.GroceryStore', data_root=data_root, split='val')
taxonomy = 'grocery'  # known tree to report accuracy on; None without one

# ------------------------------------------------------------------- training
# The label tree of the multi-level loss: clustered from the starting weights,
# or a tree: a packaged name such as 'grocery', or a csv or json file.
tree = dict(type='mmc2f.ClassClustering', num_clusters='silhouette')
pretrain_epochs, navigator_epochs, joint_epochs = 3, 1, 4
learning_rate = 0.01  # for batch_size; the classifiers take 10 times it
batch_size = 32

# ----------------------------------------------------------------- re-ranking
topn, topm = 5, 50
t_sf, t_sc = 0.5, 0.7
gate = 'per_class'

# ------------------------------------------------------------------- the rest
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    global_head=dict(num_classes=num_classes, tree=tree),
    region_head=dict(num_classes=num_classes),
    head=dict(num_classes=num_classes),
)
# P x K batches: every image has others of its class to be compared with.
images_per_class = 4
train_dataloader = dict(
    batch_size=batch_size,
    dataset=train_data,
    sampler=dict(
        _delete_=True,
        type='mmc2f.PKSampler',
        num_classes_per_batch=batch_size // images_per_class,
        num_images_per_class=images_per_class,
    ),
)
val_dataloader = dict(dataset=test_data)
test_dataloader = dict(dataset=test_data)
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = [
    dict(type='Accuracy', topk=(1, 5)),
    dict(type='mmc2f.ReRankMetric', tree=taxonomy),
]

stage_ends = (
    pretrain_epochs,
    pretrain_epochs + navigator_epochs,
    pretrain_epochs + navigator_epochs + joint_epochs,
)
train_cfg = dict(
    by_epoch=True, max_epochs=stage_ends[-1], val_interval=1
)
val_cfg = dict()
test_cfg = dict()
auto_scale_lr = dict(base_batch_size=batch_size)
custom_hooks = [
    dict(type='mmc2f.ClassCountHook'),
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(
                name='multi-level pretraining',
                epochs=pretrain_epochs,
                losses=('multi_level',),
            ),
            dict(
                name='navigator',
                epochs=navigator_epochs,
                losses=('region', 'ranking'),
                frozen=('backbone', 'global_head'),
            ),
            dict(
                name='softmax and triplet',
                epochs=joint_epochs,
                losses=('softmax', 'triplet'),
                norm_eval=('backbone',),
            ),
        ],
    ),
    dict(
        type='mmc2f.ReRankHook',
        post_processor=dict(
            type='mmc2f.ReRankPostProcessor',
            topn=topn,
            topm=topm,
            t_sf=t_sf,
            t_sc=t_sc,
            gate=gate,
        ),
    ),
]
optim_wrapper = dict(
    optimizer=dict(
        type='SGD', lr=learning_rate, momentum=0.9, weight_decay=1e-4
    ),
    paramwise_cfg=dict(
        custom_keys={
            'head': dict(lr_mult=10),
            'fusion': dict(lr_mult=10),
            # It has a conv_head: the longest key wins.
            'backbone': dict(lr_mult=1),
            # The ranking loss diverges at the classifiers' rate.
            'navigator': dict(lr_mult=1),
        }
    ),
)
# One cosine a stage; the stage hook returns the rate to its start.
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        begin=begin,
        end=end,
        T_max=end - begin,
        by_epoch=True,
        convert_to_iter_based=True,
    )
    for begin, end in zip((0, *stage_ends[:-1]), stage_ends)
]
