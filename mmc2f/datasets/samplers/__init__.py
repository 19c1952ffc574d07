"""Samplers, which choose the samples of each batch."""

from mmc2f.datasets.samplers.pk_sampler import PKSampler
from mmc2f.datasets.samplers.round_robin_batch_sampler import (
    RoundRobinBatchSampler,
)

__all__ = ['PKSampler', 'RoundRobinBatchSampler']
