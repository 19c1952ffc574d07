# The stages of CCFR (Section 4.2), and plain fine-tune's optimiser.
_base_ = 'finetune.py'

cosine = dict(type='CosineAnnealingLR')
train_cfg = dict(
    stages=dict(
        _delete_=True,
        pretraining=dict(epochs=3, losses=('multi_level',), schedule=cosine),
        navigator=dict(
            epochs=1,
            losses=('region', 'ranking'),
            frozen=('backbone', 'global_head'),
            # Confidence ranks the regions: start with one that means
            # something.
            warm_start=('region_head',),
            schedule=cosine,
        ),
        joint=dict(
            epochs=2,
            losses=('softmax', 'triplet'),
            # Whole images and crops share the backbone, not their statistics.
            norm_eval=('backbone',),
            # A fixed normalisation bears lower rates than one that follows.
            lr_scale=0.2,
            warm_start=('head',),
            schedule=cosine,
        ),
    ),
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'fusion': dict(lr_mult=10),
            # The ranking loss diverges at the classifiers' rate.
            'navigator': dict(lr_mult=1),
        }
    ),
)
