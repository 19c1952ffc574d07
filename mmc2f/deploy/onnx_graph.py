"""A model as one graph, from 8-bit images to its answers."""

from typing import Any

import torch
from torch import Tensor, nn

from mmc2f.models.heads.hierarchical_head import HierarchicalHead

__all__ = ['ClassifierGraph', 'RegionGraph', 'make_graph']


class ClassifierGraph(nn.Module):
    """Images to probabilities and the embedding.

    .. code-block:: text

        uint8 R, G, B ─► normalise ─► backbone, neck ─► embedding ─► softmax

    It has the normalisation of the model's data preprocessor. A
    :class:`~mmc2f.models.HierarchicalHead` gives the softmax of each level.

    Args:
        model: mmpretrain's ``ImageClassifier`` or a subclass.

    Attributes:
        output_names: Of what it returns, in order.

    Raises:
        ValueError: The preprocessor pads, which a graph of one size does not.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.eval()
        prepare = model.data_preprocessor
        if prepare.pad_size_divisor > 1:
            raise ValueError('pad_size_divisor cannot be exported')
        self.is_rgb = bool(prepare.to_rgb)
        mean = getattr(prepare, 'mean', torch.zeros(3, 1, 1))
        std = getattr(prepare, 'std', torch.ones(3, 1, 1))
        self.register_buffer('mean', mean.detach().clone().cpu())
        self.register_buffer('std', std.detach().clone().cpu())
        self.output_names = self.names()

    def names(self) -> list[str]:
        """Of the outputs: ``level_1`` is the next coarser level."""
        head = self.model.head
        coarser = 0
        if isinstance(head, HierarchicalHead):
            coarser = head.tree.num_levels - 1
        levels = [f'level_{i + 1}' for i in range(coarser)]
        return ['coarse', 'embedding', *levels]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images ``(B, 3, H, W)`` uint8 in the order R, G, B."""
        pixels = images if self.is_rgb else images.flip(1)
        return self.answer((pixels.float() - self.mean) / self.std)

    def answer(self, images: Tensor) -> tuple[Tensor, ...]:
        """Normalised images to the outputs."""
        head = self.model.head
        feats = self.model.extract_feat(images)
        feature = head.pre_logits(feats)
        # A classifier of the host has no choice of what is compared.
        choose = getattr(self.model, 'gallery_embedding', None)
        embedding = feature if choose is None else choose(feats)
        if isinstance(head, HierarchicalHead):
            finest, *others = head._level_scores(feature)
            return finest, embedding, *others
        return head(feats).float().softmax(dim=1), embedding


class RegionGraph(ClassifierGraph):
    """The whole of CCFR: both passes, the NMS, the crops.

    Scale-separated NMS is k steps of argmax and masking over constant
    matrices, so every shape but the batch is fixed.
    """

    def names(self) -> list[str]:
        return ['coarse', 'embedding', 'boxes', 'box_scores']

    def answer(self, images: Tensor) -> tuple[Tensor, ...]:
        """Boxes ``(B, R, 4)`` are in pixels of the input."""
        embedded = self.model.embed(images)
        return (
            self.model.coarse_logits(embedded).float().softmax(dim=1),
            self.model.gallery_embedding(embedded),
            embedded.regions.boxes,
            embedded.regions.scores,
        )


def make_graph(model: Any) -> ClassifierGraph:
    """The graph of CCFR, MLPH or a plain classifier.

    Raises:
        ValueError: The model is none of them.
    """
    if hasattr(model, 'embed'):
        return RegionGraph(model)
    if not hasattr(model, 'extract_feat') or not hasattr(
        getattr(model, 'head', None), 'pre_logits'
    ):
        raise ValueError(
            f'{type(model).__name__} cannot be exported: it is neither '
            'mmc2f.CCFR nor an image classifier whose head has pre_logits'
        )
    return ClassifierGraph(model)
