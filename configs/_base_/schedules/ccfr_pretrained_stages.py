# The stages of CCFR where normalisation must follow the data: it can while
# whole images are alone, so there is a pretraining before the regions come in.
_base_ = 'finetune.py'

cosine = dict(type='CosineAnnealingLR')
train_cfg = dict(
    stages=dict(
        _delete_=True,
        classifier=dict(
            epochs=1,
            min_iters=90,
            losses=('multi_level',),
            frozen=('backbone',),
            lr_scale=2.0,
        ),
        pretraining=dict(
            epochs=8,
            min_iters=750,
            losses=('multi_level',),
            warmup_iters=60,
            norm_eval=('backbone',),
            schedule=cosine,
        ),
        navigator=dict(
            epochs=1,
            min_iters=90,
            losses=('region', 'ranking'),
            frozen=('backbone', 'global_head'),
            # Confidence ranks the regions: start with one that means
            # something.
            warm_start=('region_head',),
        ),
        joint=dict(
            epochs=4,
            min_iters=370,
            # Each part has a loss of its own: the global one alone explains
            # the training images, and would leave the others nothing.
            losses=('multi_level', 'region', 'softmax', 'triplet'),
            frozen=('navigator',),
            # Whole images and crops share the backbone, not their statistics.
            norm_eval=('backbone',),
            lr_scale=0.5,
            warm_start=('head',),
            warmup_iters=40,
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
