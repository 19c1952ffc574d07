# Plain fine-tune as long and at the rate of the paper's last stage, with a
# cosine and a classifier that learns 10 times as fast.
_base_ = 'finetune.py'

train_cfg = dict(
    stages=dict(
        _delete_=True,
        finetune=dict(epochs=60, schedule=dict(type='CosineAnnealingLR')),
    ),
)
optim_wrapper = dict(
    _delete_=True,
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            'head': dict(lr_mult=10),
            # Some backbones have a conv_head: the longest key wins.
            'backbone': dict(lr_mult=1),
        }
    ),
)
