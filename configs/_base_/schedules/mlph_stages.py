# The stages of MLPH (Section 4.1): the classifiers alone, then everything, and
# plain fine-tune's optimiser. An epoch shows each image once in each
# resolution.
_base_ = 'finetune.py'

train_cfg = dict(
    stages=dict(
        _delete_=True,
        classifiers=dict(
            epochs=1,
            min_iters=90,
            # The paper's also keeps the projections: ('backbone', 'neck').
            frozen=('backbone',),
            lr_scale=2.0,
        ),
        everything=dict(
            epochs=4,
            min_iters=900,
            warmup_iters=60,
            # Sharp and blurred batches have different statistics: those of
            # one would not be right for the other.
            norm_eval=('backbone', 'head'),
            schedule=dict(type='CosineAnnealingLR'),
        ),
    ),
    val_interval=6,
)
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'neck': dict(lr_mult=10)}),
)
val_evaluator = dict(_delete_=True, type='mmc2f.MultiResolutionMetric')
test_evaluator = [
    dict(type='mmc2f.MultiResolutionMetric'),
    dict(type='mmc2f.FinestConfidentLevel'),
    dict(type='mmc2f.ReRankMetric'),
]
