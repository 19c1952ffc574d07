# What the stages of CCFR train (Section 4.2). Each config gives them epochs.
stages = [
    dict(name='multi-level pretraining', losses=('multi_level',)),
    dict(
        name='navigator',
        losses=('region', 'ranking'),
        frozen=('backbone', 'global_head'),
        # Confidence ranks the regions: start with one that means something.
        warm_start=('region_head',),
    ),
    dict(
        name='softmax and triplet',
        losses=('softmax', 'triplet'),
        # Whole images and crops share the backbone, not their statistics.
        norm_eval=('backbone',),
        # A fixed normalisation bears lower rates than one that follows.
        lr_scale=0.2,
        warm_start=('head',),
    ),
]

optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'head': dict(lr_mult=10),
            'fusion': dict(lr_mult=10),
            # Some backbones have a conv_head: the longest key wins.
            'backbone': dict(lr_mult=1),
            # The ranking loss diverges at the classifiers' rate.
            'navigator': dict(lr_mult=1),
        }
    ),
)
val_cfg = dict()
test_cfg = dict()
val_evaluator = dict(type='Accuracy', topk=1)
