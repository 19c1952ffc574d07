# The stages of MLPH (Section 4.1): the classifiers alone, then everything. An
# epoch shows each image once in each resolution. Features of unit length have
# small gradients, so what reads and makes them learns faster than the
# pretrained backbone.
train_cfg = dict(
    type='mmc2f.StagedTrainLoop',
    stages=dict(
        classifiers=dict(
            epochs=1,
            # The paper's also keeps the projections: ('backbone', 'neck').
            frozen=('backbone',),
            schedule=dict(type='CosineAnnealingLR'),
        ),
        everything=dict(
            epochs=5,
            # Sharp and blurred batches have different statistics, and a fixed
            # normalisation bears lower rates.
            norm_eval=('backbone',),
            lr_scale=0.2,
            schedule=dict(type='CosineAnnealingLR'),
        ),
    ),
    val_interval=6,
)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'head': dict(lr_mult=300),
            'neck': dict(lr_mult=10),
            'backbone': dict(lr_mult=1),
        }
    ),
)
val_cfg = dict()
test_cfg = dict()
val_evaluator = dict(type='mmc2f.MultiResolutionMetric')
test_evaluator = [
    dict(type='mmc2f.MultiResolutionMetric'),
    dict(type='mmc2f.FinestConfidentLevel'),
    dict(type='mmc2f.ReRankMetric'),
]
