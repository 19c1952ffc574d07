# SGD for MLPH. Features of unit length have small gradients, so what reads and
# makes them learns faster than the pretrained backbone.
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
