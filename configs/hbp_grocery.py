"""HBP, which is MLP without its trilinear part, on the Grocery Store."""

_base_ = 'mlp_grocery.py'

interactions = ((0, 1), (0, 2), (1, 2))
model = dict(
    neck=dict(interactions=interactions),
    head=dict(in_channels=len(interactions) * _base_.channels),
)
