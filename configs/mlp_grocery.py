"""MLP, which is MLPH without hierarchy, on the Grocery Store Dataset.

Trained at the high resolution only; tested at all, where an answer at a
coarser level is the class with the most probability below it.

A training step takes 1.2 times that of the plain fine-tune and 3.7 GiB
(benchmarks/config_step.py, CPU, batch 32); an epoch has as many steps.
"""

_base_ = 'mlph_grocery.py'

model = dict(
    head=dict(
        _delete_=True,
        type='mmc2f.CosineClsHead',
        loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1),
    ),
)
train_dataloader = dict(dataset=dict(views=_base_.views[:1]))
