"""What a search of the gallery and re-ranking by it give."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ['Neighbours', 'ReRankResult']


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


@dataclass(frozen=True)
class ReRankResult:
    """What re-ranking gives for a batch of B queries.

    Attributes:
        scores: Final class scores, ``(B, C)``, see
            :class:`mmc2f.retrieval.ReRankPostProcessor`.
        neighbours: The retrieved gallery images.
        retrieval_scores: Class scores by retrieval alone, ``(B, C)``, see
            :func:`mmc2f.retrieval.retrieval_scores`.
        extended: What was re-ranked where the gallery has classes that the
            model lacks, ``(B, C)`` with these; else ``None``. See
            :func:`mmc2f.retrieval.gallery_only.extend_scores`.
    """

    scores: Tensor
    neighbours: Neighbours
    retrieval_scores: Tensor
    extended: Tensor | None = None
