# Plain fine-tune: the new classifier alone, then everything, with a cosine.
# Small sets get more epochs, to reach min_iters.
cosine = dict(type='CosineAnnealingLR')
train_cfg = dict(
    type='mmc2f.StagedTrainLoop',
    stages=dict(
        classifier=dict(
            epochs=1, min_iters=90, frozen=('backbone',), lr_scale=2.0
        ),
        finetune=dict(
            epochs=10,
            min_iters=900,
            warmup_iters=60,
            # With few images of each class, statistics of a batch are worse
            # than those of ImageNet.
            norm_eval=('backbone',),
            schedule=cosine,
        ),
    ),
    val_interval=1,
)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=5.0),
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
