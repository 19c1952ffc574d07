import torch
from torch import Tensor

from mmc2f.models.losses.cosine import unit_vectors

__all__ = ['region_triplet_margin']


def region_triplet_margin(
    features: Tensor, prototypes: Tensor, labels: Tensor
) -> Tensor:
    """How well a region tells its class from the nearest other class.

    The term sim(x_A, x_P) - sim(x_A, x_N) of CCFR's Eq. (5), with a prototype
    of each class in the place of the samples x_P and x_N. As the target of
    the ranking loss it lets the triplet decide which regions are chosen.

    Args:
        features: ``(B, M, D)`` of M regions an image.
        prototypes: ``(C, D)``, one vector a class, C >= 2.
        labels: ``(B,)`` int64 classes of the images.

    Returns:
        ``(B, M)`` cosine similarity to the prototype of the own class minus
        the greatest to that of another, from -2 to 2, float32 at least.

    Raises:
        ValueError: When a shape is wrong or there is one class only.
    """
    _check_shapes(features, prototypes, labels)
    with torch.autocast(features.device.type, enabled=False):
        cosines = unit_vectors(features) @ unit_vectors(prototypes).T
    index = labels.view(-1, 1, 1).expand(-1, cosines.shape[1], 1)
    own = cosines.gather(2, index)
    others = cosines.scatter(2, index, -torch.inf)
    return own.squeeze(2) - others.amax(dim=2)


def _check_shapes(
    features: Tensor, prototypes: Tensor, labels: Tensor
) -> None:
    if features.dim() != 3 or labels.shape != features.shape[:1]:
        raise ValueError(
            f'features must be (B, M, D) and labels (B,), got '
            f'{tuple(features.shape)} and {tuple(labels.shape)}'
        )
    if prototypes.dim() != 2 or prototypes.shape[1] != features.shape[2]:
        raise ValueError(
            f'prototypes must be (C, {features.shape[2]}) to go with '
            f'features {tuple(features.shape)}, got {tuple(prototypes.shape)}'
        )
    if len(prototypes) < 2:
        raise ValueError(
            'region_triplet_margin needs at least 2 classes, got '
            f'{len(prototypes)}: there is no other class to compare with'
        )
