"""MLPH with EfficientNet-Lite0 on the font-face demo data.

A training step takes 1.2 times that of the plain fine-tune and 1.8 GiB
(benchmarks/config_step.py, CPU, batch 32); an epoch has three times its steps.
"""

_base_ = [
    '_base_/datasets/multi_resolution_128.py',
    '_base_/models/mlph_lite0.py',
    '_base_/schedules/mlph_stages.py',
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
#   taxonomy = 'tree.json'  # tools/build_hierarchy.py makes one
num_classes = 21
data_root = '{{$MMC2F_DATA:data}}/fonts'
train_data = dict(type='mmc2f.ImageFolder', data_root=data_root, split='train')
test_data = dict(type='mmc2f.ImageFolder', data_root=data_root, split='test')
taxonomy = 'fonts'
# What is recognised at which resolution: levels of the taxonomy and pixels of
# the image's shorter side. tools/search_resolution.py finds the pixels.
views = [
    dict(name='high', level='face', resolution=None),
    dict(name='medium', level='family', resolution=64),
    dict(name='low', level='style', resolution=32),
]

# ------------------------------------------------------------------- training
# The classifiers alone, then everything. An epoch shows each image once in
# each resolution.
stage_epochs = (1, 5)
# The paper's first stage also keeps the projections: ('backbone', 'neck').
frozen_at_first = ('backbone',)
learning_rate = 0.005  # at batch_size; see schedules/mlph_stages.py for parts
second_lr_scale = 0.4  # part of the rates that the second stage starts with
batch_size = 32
channels = 512  # d: of each projection, so of each product
interactions = ((0, 1), (0, 2), (1, 2), (0, 1, 2))

# ----------------------------------------------------------------- re-ranking
# Of the answers at the finest level.
topn, topm = 5, 50
t_sf, t_sc = 0.5, 0.7
gate = 'per_class'

# ------------------------------------------------------------------- the rest
stage_ends = [sum(stage_epochs[: i + 1]) for i in range(len(stage_epochs))]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    neck=dict(channels=channels, interactions=interactions),
    head=dict(
        num_classes=num_classes,
        tree=taxonomy,
        in_channels=len(interactions) * channels,
    ),
)
train_dataloader = dict(
    batch_size=batch_size,
    dataset=dict(dataset=train_data, tree=taxonomy, views=views),
)
val_dataloader = dict(
    dataset=dict(dataset=test_data, tree=taxonomy, views=views)
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmc2f.MultiResolutionMetric', tree=taxonomy)
test_evaluator = [
    dict(type='mmc2f.MultiResolutionMetric', tree=taxonomy),
    dict(type='mmc2f.FinestConfidentLevel', tree=taxonomy),
    dict(type='mmc2f.ReRankMetric', tree=taxonomy),
]
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmc2f.TrainingStageHook',
        stages=[
            dict(
                name='classifiers',
                epochs=stage_epochs[0],
                frozen=frozen_at_first,
            ),
            dict(
                name='everything',
                epochs=stage_epochs[1],
                # Sharp and blurred batches have different statistics, and a
                # fixed normalisation bears lower rates.
                norm_eval=('backbone',),
                lr_scale=second_lr_scale,
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
auto_scale_lr = dict(base_batch_size=batch_size)
optim_wrapper = dict(optimizer=dict(lr=learning_rate))
train_cfg = dict(by_epoch=True, max_epochs=stage_ends[-1], val_interval=6)
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
