"""CCFR with ResNet-50 on Stanford Cars."""

_base_ = [
    '_base_/datasets/images_448.py',
    '_base_/models/ccfr_resnet50.py',
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
num_classes = 196
data_root = '{{$MMC2F_DATA:data}}/stanford_cars'
train_data = dict(type='StanfordCars', data_root=data_root, split='train')
test_data = dict(type='StanfordCars', data_root=data_root, split='test')
taxonomy = 'cars'  # known tree to report accuracy on; None without one

# ------------------------------------------------------------------- training
# The label tree of the multi-level loss: clustered from the starting weights,
# or a tree: a packaged name such as 'cars', or a csv or json file.
tree = dict(type='mmc2f.ClassClustering', num_clusters='silhouette')
# Multi-level pretraining, navigator, softmax and triplet.
stage_epochs = (60, 10, 60)
learning_rate = 0.001  # at batch_size, of everything
batch_size = 16
images_per_class = 4  # at least, in a batch, for the triplets

# ----------------------------------------------------------------- re-ranking
topn, topm = 5, 50
t_sf, t_sc = 0.7, 0.7
gate = 'per_class'

# ------------------------------------------------------------------- the rest
stage_ends = [sum(stage_epochs[: i + 1]) for i in range(len(stage_epochs))]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
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
optim_wrapper = dict(
    optimizer=dict(lr=learning_rate),
    paramwise_cfg=dict(_delete_=True),
)
train_cfg = dict(by_epoch=True, max_epochs=stage_ends[-1], val_interval=1)
# The rate falls to a tenth each 30 epochs of a stage; the stage hook returns
# it to its start.
param_scheduler = [
    dict(type='StepLR', step_size=30, begin=end - epochs, end=end)
    for epochs, end in zip(stage_epochs, stage_ends)
]
