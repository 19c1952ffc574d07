"""CCFR with EfficientNet-Lite0 on the font-face demo data."""

_base_ = [
    '_base_/datasets/images_128.py',
    '_base_/models/ccfr_lite0.py',
    '_base_/schedules/ccfr_stages.py',
    '_base_/default_runtime.py',
]

# ------------------------------------------------------------------ your data
# For an image folder with one directory a class, train/CLASS and val/CLASS:
#   num_classes = ...
#   data_root = 'path/to/folder'
#   train_data = dict(
#       type='mmc2f.ImageFolder', data_root=data_root, split='train')
#   test_data = dict(
#       type='mmc2f.ImageFolder', data_root=data_root, split='val')
#   taxonomy = None
#   tree = dict(type='mmc2f.ClassClustering', num_clusters='silhouette')
num_classes = 21
data_root = '{{$MMC2F_DATA:data}}/fonts'
train_data = dict(type='mmc2f.ImageFolder', data_root=data_root, split='train')
test_data = dict(type='mmc2f.ImageFolder', data_root=data_root, split='test')
taxonomy = 'fonts'  # known tree to report accuracy on; None without one
# The label tree of the multi-level loss: a packaged name, a csv or json file,
# or dict(type='mmc2f.ClassClustering', num_clusters='silhouette') to cluster
# the classes on features of the starting weights.
tree = 'fonts'

# ------------------------------------------------------------------- training
# Multi-level pretraining, navigator, softmax and triplet.
stage_epochs = (8, 3, 5)
learning_rate = 0.02  # at batch_size; the classifiers take 10 times it
batch_size = 32
images_per_class = 2  # at least, in a batch, for the triplets

# ----------------------------------------------------------------- re-ranking
topn, topm = 5, 50
t_sf, t_sc = 0.5, 0.7
gate = 'per_class'

# ------------------------------------------------------------------- the rest
stage_ends = [sum(stage_epochs[: i + 1]) for i in range(len(stage_epochs))]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    cropper=dict(size=64),
    global_head=dict(num_classes=num_classes, tree=tree),
    region_head=dict(num_classes=num_classes),
    head=dict(num_classes=num_classes),
)
# P x K batches; with few classes, more images of each.
p = min(num_classes, batch_size // images_per_class)
k = batch_size // p
train_dataloader = dict(
    batch_size=p * k,
    dataset=train_data,
    sampler=dict(
        _delete_=True,
        type='mmc2f.PKSampler',
        num_classes_per_batch=p,
        num_images_per_class=k,
    ),
)
val_dataloader = dict(dataset=test_data)
test_dataloader = dict(dataset=test_data)
test_evaluator = [
    dict(type='Accuracy', topk=(1, min(5, num_classes))),
    dict(type='mmc2f.ReRankMetric', tree=taxonomy),
]
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(stage, epochs=epochs)
            for stage, epochs in zip(_base_.stages, stage_epochs)
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
auto_scale_lr = dict(base_batch_size=batch_size)
optim_wrapper = dict(optimizer=dict(lr=learning_rate))
train_cfg = dict(by_epoch=True, max_epochs=stage_ends[-1], val_interval=4)
# One cosine a stage; the stage hook returns the rate to its start.
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        begin=end - epochs,
        end=end,
        T_max=epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
    for epochs, end in zip(stage_epochs, stage_ends)
]
