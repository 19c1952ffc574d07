# The stages of MLPH with the paper's length and rates: 0.001 for all parts in
# the second, halved periodically (the paper does not say how often).
_base_ = 'mlph_stages.py'

halved = dict(type='StepLR', step_size=20, gamma=0.5)
train_cfg = dict(
    stages=dict(
        classifiers=dict(
            epochs=20,
            frozen=('backbone', 'neck'),
            lr_scale=1000,  # a rate of 1.0, our choice
            schedule=halved,
        ),
        everything=dict(
            epochs=80, norm_eval=(), lr_scale=1.0, schedule=halved
        ),
    ),
    val_interval=5,
)
optim_wrapper = dict(
    optimizer=dict(lr=1e-3, weight_decay=5e-4),
    paramwise_cfg=dict(_delete_=True),
)
