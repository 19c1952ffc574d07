"""MLP, which is MLPH without hierarchy, with VGG-16 on CUB-200-2011.

Trained at the high resolution only; tested at all, where an answer at a
coarser level is the class with the most probability below it.

Memory and time of a training step are those of mlph_cub.py, with a third of
the steps in an epoch.
"""

_base_ = 'mlph_cub.py'

model = dict(head=dict(_delete_=True, type='LinearClsHead'))
train_dataloader = dict(dataset=dict(views=_base_.views[:1]))
