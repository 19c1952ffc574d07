"""Samplers, which choose the samples of each batch."""

from mmc2f.datasets.samplers.pk_sampler import PKSampler

__all__ = ['PKSampler']
