"""HBP, MLP without trilinear pooling, on Caltech-UCSD Birds 200 (2010)."""

_base_ = 'mlp_cub2010_lite0.py'

interactions = ((0, 1), (0, 2), (1, 2))
model = dict(
    neck=dict(interactions=interactions),
    head=dict(in_channels=len(interactions) * _base_.channels),
)
