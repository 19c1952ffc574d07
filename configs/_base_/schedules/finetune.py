# Plain fine-tune: SGD, a cosine, a classifier that learns 10 times as fast.
train_cfg = dict(
    type='mmc2f.StagedTrainLoop',
    stages=dict(
        finetune=dict(epochs=6, schedule=dict(type='CosineAnnealingLR'))
    ),
    val_interval=1,
)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'head': dict(lr_mult=10),
            # Some backbones have a conv_head: the longest key wins.
            'backbone': dict(lr_mult=1),
        }
    ),
)
val_cfg = dict()
test_cfg = dict()
val_evaluator = dict(type='Accuracy', topk=1)
test_evaluator = [
    dict(type='Accuracy', topk=(1, 5)),
    dict(type='mmc2f.ReRankMetric'),
]
