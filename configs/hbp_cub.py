"""HBP, which is MLP without trilinear pooling, on CUB-200-2011.

A training step of batch 8 takes 6.2 GiB and the time of mlph_cub.py
(benchmarks/config_step.py, CPU), an epoch a third of its steps; the gallery of
a test takes 590 MB more.
"""

_base_ = 'mlp_cub.py'

model = dict(neck=dict(interactions=((0, 1), (0, 2), (1, 2))))
