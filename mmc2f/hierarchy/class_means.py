"""Mean feature of each class."""

import torch
from torch import Tensor

__all__ = ['class_means']


def class_means(features: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Average the features of the images of each class.

    Args:
        features: ``(N, D)``, one row an image.
        labels: ``(N,)`` class of each image.
        num_classes: C.

    Returns:
        ``(C, D)`` float32 means, summed in double precision.

    Raises:
        ValueError: A label is out of range, or a class has no image (names
            the classes).
    """
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(
            'class_means needs features (N, D) and labels (N,), got '
            f'{tuple(features.shape)} and {tuple(labels.shape)}.'
        )
    labels = labels.long()
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.numel():
        raise ValueError(
            f'Label {int(wrong[0])} is outside 0..{num_classes - 1}: the '
            'labels and the class list do not belong together.'
        )
    counts = torch.bincount(labels, minlength=num_classes)
    empty = (counts == 0).nonzero().flatten().tolist()
    if empty:
        shown = ', '.join(map(str, empty[:10]))
        more = f' and {len(empty) - 10} more' if len(empty) > 10 else ''
        raise ValueError(
            f'Class {shown}{more} has no image, so it has no mean feature; '
            'add images or take the class off the class list.'
        )
    sums = features.new_zeros(
        num_classes, features.shape[1], dtype=torch.float64
    ).index_add_(0, labels, features.double())
    return (sums / counts[:, None]).float()
