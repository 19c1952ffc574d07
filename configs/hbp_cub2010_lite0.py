"""HBP, MLP without trilinear pooling, on Caltech-UCSD Birds 200 (2010).

A training step takes 1.2 times that of the plain fine-tune and 3.8 GiB
(as hbp_grocery.py; benchmarks/config_step.py, CPU, batch 32); an
epoch has as many steps.
"""

_base_ = 'mlp_cub2010_lite0.py'

model = dict(neck=dict(interactions=((0, 1), (0, 2), (1, 2))))
