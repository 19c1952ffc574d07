"""HBP, which is MLP without trilinear pooling, on CUB-200-2011."""

_base_ = 'mlp_cub.py'

interactions = ((0, 1), (0, 2), (1, 2))
model = dict(
    neck=dict(interactions=interactions),
    head=dict(in_channels=len(interactions) * _base_.channels),
)
