"""Labels of a batch, for losses that need one class an image."""

from collections.abc import Sequence

import torch
from mmpretrain.structures import DataSample
from torch import Tensor

__all__ = ['hard_labels']


def hard_labels(
    data_samples: Sequence[DataSample], device: torch.device
) -> Tensor:
    """Classes ``(B,)`` of the samples, on ``device``.

    Raises:
        ValueError: Mixup or CutMix has made scores of the labels; an image
            of two classes has neither a super class nor a triplet.
    """
    if any('gt_score' in sample for sample in data_samples):
        raise ValueError(
            'the losses need one class an image, but the samples '
            'have a gt_score: leave out Mixup, CutMix and other '
            'batch_augments of the data_preprocessor'
        )
    return torch.cat([sample.gt_label for sample in data_samples]).to(device)
