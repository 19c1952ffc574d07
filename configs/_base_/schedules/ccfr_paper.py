# The stages of CCFR with the paper's length and rates: all parts alike, a
# tenth of the rate after each 30 epochs of a stage.
_base_ = 'ccfr_stages.py'

step = dict(type='StepLR', step_size=30)
train_cfg = dict(
    stages=dict(
        pretraining=dict(epochs=60, schedule=step),
        navigator=dict(epochs=10, schedule=step),
        joint=dict(epochs=60, schedule=step),
    ),
)
optim_wrapper = dict(
    optimizer=dict(lr=0.001), paramwise_cfg=dict(_delete_=True)
)
