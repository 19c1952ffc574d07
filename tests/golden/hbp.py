# A tiny HBP, which is MLP without its trilinear part, as the hbp configs are.
_base_ = 'mlp.py'
experiment_name = 'golden_hbp'

model = dict(
    neck=dict(interactions=((0, 1), (0, 2), (1, 2))),
    head=dict(in_channels=3 * 8),
)
