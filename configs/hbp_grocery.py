"""HBP, which is MLP without its trilinear part, on the Grocery Store.

A training step takes 1.2 times that of the plain fine-tune and 3.8 GiB
(benchmarks/config_step.py, CPU, batch 32); an epoch has as many steps.
"""

_base_ = 'mlp_grocery.py'

model = dict(neck=dict(interactions=((0, 1), (0, 2), (1, 2))))
