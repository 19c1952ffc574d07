# The stages of CCFR (Section 4.2), and plain fine-tune's optimiser.
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
            epochs=10,
            min_iters=840,
            # Each part has a loss of its own: the global one alone explains
            # the training images, and would leave the others nothing. It is
            # trained with them from the start; first alone, then with them,
            # leaves the regions less time and is no better for itself.
            losses=(
                *('multi_level', 'region', 'ranking'),
                *('softmax', 'triplet'),
            ),
            # Whole images and crops share the backbone, not their statistics.
            norm_eval=('backbone',),
            warm_start=('head',),
            warmup_iters=60,
            schedule=cosine,
        ),
    ),
)
optim_wrapper = dict(
    # One bound for all would leave the classifiers a third of their rate:
    # five losses send gradients to the backbone.
    constructor='mmc2f.PartOptimWrapperConstructor',
    paramwise_cfg=dict(
        custom_keys={
            'fusion': dict(lr_mult=10),
            # The ranking loss diverges at the classifiers' rate.
            'navigator': dict(lr_mult=1),
        }
    ),
)
