# The stages of CCFR with the paper's length and rates (Section 4.2): all parts
# alike, a tenth of the rate after each 30 epochs of a stage.
_base_ = 'finetune_paper.py'

step = dict(type='StepLR', step_size=30)
train_cfg = dict(
    stages=dict(
        _delete_=True,
        pretraining=dict(epochs=60, losses=('multi_level',), schedule=step),
        navigator=dict(
            epochs=10,
            losses=('region', 'ranking'),
            frozen=('backbone', 'global_head'),
            # Confidence ranks the regions: start with one that means
            # something.
            warm_start=('region_head',),
            schedule=step,
        ),
        joint=dict(
            epochs=60,
            losses=('softmax', 'triplet'),
            # Whole images and crops share the backbone, not their statistics.
            norm_eval=('backbone',),
            # A fixed normalisation bears lower rates than one that follows.
            lr_scale=0.2,
            warm_start=('head',),
            schedule=step,
        ),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True))
