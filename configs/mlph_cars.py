"""MLPH with VGG-16 on Stanford Cars, the settings of Section 4.1.

Memory and time of a training step are those of mlph_cub.py; the gallery of a
test takes 1070 MB.
"""

_base_ = [
    '_base_/datasets/multi_resolution_448.py',
    '_base_/models/mlph_vgg16.py',
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
num_classes = 196
data_root = '{{$MMC2F_DATA:data}}/stanford_cars'
train_data = dict(type='StanfordCars', data_root=data_root, split='train')
test_data = dict(type='StanfordCars', data_root=data_root, split='test')
taxonomy = 'cars'  # by model, make with type, and type, as in the paper
# What is recognised at which resolution: levels of the taxonomy and pixels of
# the image's shorter side. tools/search_resolution.py finds the pixels.
# The paper does not print its own; these are what our birds of 2010 gave, at
# this input size.
views = [
    dict(name='high', level='model', resolution=None),
    dict(name='medium', level='make_type', resolution=128),
    dict(name='low', level='type', resolution=112),
]

# ------------------------------------------------------------------- training
# The classifiers alone, then everything. An epoch shows each image once in
# each resolution.
stage_epochs = (20, 80)
frozen_at_first = ('backbone', 'neck')
learning_rate = 1e-3  # at batch_size, of everything in the second stage
first_learning_rate = 1.0  # of the classifiers in the first; our choice
rate_halves_every = 20  # epochs
batch_size = 8
channels = 8192  # d: of each projection, so of each product
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
                lr_scale=first_learning_rate / learning_rate,
            ),
            dict(name='everything', epochs=stage_epochs[1]),
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
    optimizer=dict(lr=learning_rate, weight_decay=5e-4),
    paramwise_cfg=dict(_delete_=True),
)
train_cfg = dict(by_epoch=True, max_epochs=stage_ends[-1], val_interval=5)
# The rate halves periodically in a stage; the stage hook returns it to its
# start.
param_scheduler = [
    dict(
        type='StepLR',
        step_size=rate_halves_every,
        gamma=0.5,
        begin=end - epochs,
        end=end,
    )
    for epochs, end in zip(stage_epochs, stage_ends)
]
