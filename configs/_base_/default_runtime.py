# What every experiment shares. The default scope is mmpretrain's; parts of
# this package carry the prefix `mmc2f.`.
default_scope = 'mmpretrain'

# A training names so many damaged images in its log and goes on without them;
# 0 lets it stop at the first. A test stops in any case.
max_damaged_images = 10

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmc2f.AtomicCheckpointHook', interval=1, max_keep_ckpts=2
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)
custom_hooks = [
    dict(type='mmc2f.ClassCountHook'),
    dict(type='mmc2f.PlainCheckpointHook'),
    dict(type='mmc2f.FiniteLossHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
# Losses and frozen parts change from stage to stage, so under distributed
# training some parameters get no gradient.
find_unused_parameters = True
log_processor = dict(window_size=20)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0, deterministic=False)
