from dataclasses import dataclass

from torch import Tensor

__all__ = ['Neighbours']


@dataclass(frozen=True)
class Neighbours:
    """The gallery images nearest to each query, nearest first.

    Attributes:
        similarities: Cosine similarities, ``(B, m)``.
        labels: Classes of the images, ``(B, m)``.
        indices: Their rows in the gallery, ``(B, m)``.

    An approximate index may find fewer than m: similarity -inf, label and
    index -1 then stand for nothing found.
    """

    similarities: Tensor
    labels: Tensor
    indices: Tensor
