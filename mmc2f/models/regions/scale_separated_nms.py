from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torchvision.ops import box_iou

from mmc2f.arguments import check_whole
from mmc2f.models.regions.anchor_set import AnchorSet
from mmc2f.registry import MODELS

__all__ = ['ScaleSeparatedNMS', 'iou_suppression', 'topk_nms']


def iou_suppression(boxes: Tensor, threshold: float) -> Tensor:
    """Which box removes which in greedy NMS.

    Args:
        boxes: ``(A, 4)`` corners (x1, y1, x2, y2) with x1 < x2, y1 < y2.
        threshold: Boxes that overlap by more are rivals, 0 <= threshold <= 1.

    Returns:
        ``(A, A)`` bool, ``suppress[i, j] = IoU(i, j) > threshold``. The
        diagonal is True for every threshold, also 1: a box is chosen once.

    Raises:
        ValueError: When the shape or the threshold is wrong, or a box has no
            area. The boxes' values are not looked at while compiling.
    """
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise ValueError(f'boxes must be (A, 4), got {tuple(boxes.shape)}')
    _check_threshold(threshold)
    # Half precision cannot tell pixels of a large image apart.
    boxes = boxes.detach().to(torch.promote_types(boxes.dtype, torch.float32))
    if not torch.compiler.is_compiling():
        _check_area(boxes)
    suppress = box_iou(boxes, boxes) > threshold
    return suppress.fill_diagonal_(True)


def topk_nms(scores: Tensor, suppression: Tensor, k: int) -> Tensor:
    """Greedy NMS with a fixed number of survivors, for a batch at once.

    k steps of: take the best box left, remove it and its rivals. Exactly the
    first k boxes of plain greedy NMS, without a loop over images and without
    reading from the device.

    * Equal scores: the lowest index first.
    * A score of -inf or NaN: never chosen. When an image has nothing else,
      index 0 is.
    * Fewer than k survivors: the best box (step 0) is repeated.

    Args:
        scores: ``(B, A)``, floating point.
        suppression: ``(A, A)`` bool, row i is True where box i removes box j,
            see :func:`iou_suppression`. A box always removes itself.
        k: Boxes to choose in each image, at least 1.

    Returns:
        ``(B, k)`` int64 indices of boxes, best first.

    Raises:
        ValueError: When a shape, a type or k is wrong.
    """
    _check_topk_inputs(scores, suppression, k)
    left = scores.detach()
    left = left.masked_fill(left.isnan(), float('-inf'))
    chosen: list[Tensor] = []
    for _ in range(k):
        # argmax, unlike max(dim), promises the first of equal values.
        index = left.argmax(dim=1, keepdim=True)
        if chosen:
            nothing_left = left.gather(1, index) == float('-inf')
            index = torch.where(nothing_left, chosen[0], index)
        chosen.append(index)
        # After the last box nothing is looked at.
        if len(chosen) < k:
            rivals = suppression[index.squeeze(1)]
            left = left.masked_fill(rivals, float('-inf'))
            left = left.scatter(1, index, float('-inf'))
    return torch.cat(chosen, dim=1)


@MODELS.register_module()
class ScaleSeparatedNMS(nn.Module):
    """Chooses the best regions of each scale, section 3.2 of CCFR.

    NMS over all scales together lets large boxes remove the small ones, so
    each scale has an NMS of its own. Anchors are constant: their suppression
    matrices are made once an anchor set and kept as long as the set lives.
    They are no part of the state dict.

    Args:
        threshold: Boxes with a larger IoU are rivals.
        topk: Regions chosen from each scale.
        separate: False is the conventional NMS over the anchors of all
            scales, with num_scales * topk regions, ordered by rank alone.
    """

    def __init__(
        self, threshold: float = 0.25, topk: int = 2, separate: bool = True
    ) -> None:
        super().__init__()
        _check_threshold(threshold)
        check_whole('topk', topk)
        self.threshold = threshold
        self.topk = topk
        self.separate = separate
        self._suppressions = _new_cache()

    def forward(
        self, scores: Tensor, anchors: AnchorSet, topk: int | None = None
    ) -> Tensor:
        """Chooses R = num_scales * topk anchors in each image.

        Args:
            scores: ``(B, A)`` scores of the anchors.
            anchors: Their boxes and scales.
            topk: Regions a scale, instead of the module's.

        Returns:
            ``(B, R)`` int64 indices of anchors, by scale, then by rank; see
            :func:`topk_nms` for ties and for too few survivors.
        """
        if scores.dim() != 2 or scores.shape[1] != len(anchors):
            raise ValueError(
                f'scores must be (B, {len(anchors)}) for this anchor set, got '
                f'{tuple(scores.shape)}'
            )
        topk = self.topk if topk is None else topk
        _check_k('topk', topk)
        return self._choose(scores, anchors, topk)

    def _choose(self, scores: Tensor, anchors: AnchorSet, topk: int) -> Tensor:
        suppressions = self._get_suppressions(anchors)
        if not self.separate:
            k = anchors.num_scales * topk
            return topk_nms(scores, suppressions[0], k)
        chosen = [
            members[topk_nms(scores[:, members], suppression, topk)]
            for members, suppression in zip(
                anchors.members, suppressions, strict=True
            )
        ]
        return torch.cat(chosen, dim=1)

    def groups(self, anchors: AnchorSet, indices: Tensor) -> Tensor:
        """Group of each column of ``indices (B, R)``: ``(R,)``.

        A group is a scale, or all of the columns in conventional NMS.
        """
        count = anchors.num_scales if self.separate else 1
        size = indices.shape[1] // count
        groups = torch.arange(count, device=indices.device)
        return groups.repeat_interleave(size)

    def leading_columns(self, num_regions: int, num_scales: int) -> list[int]:
        """Where the regions of the default ``topk`` stand among more.

        Args:
            num_regions: R, columns chosen with a larger ``topk``.
            num_scales: Scales of the anchors.

        Returns:
            The first columns of each group, ``num_scales * topk`` in all.
        """
        count = num_scales if self.separate else 1
        size = num_regions // count
        leading = num_scales * self.topk // count
        return [
            g * size + rank for g in range(count) for rank in range(leading)
        ]

    def _get_suppressions(self, anchors: AnchorSet) -> tuple[Tensor, ...]:
        """One matrix a scale, or a single one for all anchors."""
        if torch.compiler.is_compiling():
            # Tensors made while tracing are stand-ins: never keep them.
            return self._make_suppressions(anchors)
        known = self._suppressions.setdefault(anchors, {})
        key = (self.threshold, self.separate)
        if key not in known:
            known[key] = self._make_suppressions(anchors)
        return known[key]

    def _make_suppressions(self, anchors: AnchorSet) -> tuple[Tensor, ...]:
        if not self.separate:
            return (iou_suppression(anchors.boxes, self.threshold),)
        return tuple(
            iou_suppression(anchors.boxes[members], self.threshold)
            for members in anchors.members
        )

    def __getstate__(self) -> dict[str, Any]:
        # Weak references neither pickle nor survive a copy of their keys.
        state = self.__dict__.copy()
        del state['_suppressions']
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._suppressions = _new_cache()

    def extra_repr(self) -> str:
        return (
            f'threshold={self.threshold}, topk={self.topk}, '
            f'separate={self.separate}'
        )


def _new_cache() -> WeakKeyDictionary[AnchorSet, dict]:
    return WeakKeyDictionary()


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ValueError(
            f'the IoU threshold must be from 0 to 1, got {threshold}'
        )


def _check_k(name: str, k: int) -> None:
    if k < 1:
        raise ValueError(f'{name} must be at least 1, got {k}')


def _check_area(boxes: Tensor) -> None:
    # Written so that NaN fails as well.
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    if not bool(has_area.all()):
        row = int((~has_area).nonzero()[0])
        raise ValueError(
            f'box {row} has no area: {boxes[row].tolist()}; boxes are '
            f'(x1, y1, x2, y2) with x1 < x2 and y1 < y2'
        )


def _check_topk_inputs(scores: Tensor, suppression: Tensor, k: int) -> None:
    _check_k('k', k)
    if scores.dim() != 2 or scores.shape[1] == 0:
        raise ValueError(
            f'scores must be (B, A) with A > 0, got {tuple(scores.shape)}'
        )
    if not scores.is_floating_point():
        raise ValueError(f'scores must be floating point, got {scores.dtype}')
    count = scores.shape[1]
    if suppression.shape != (count, count) or suppression.dtype != torch.bool:
        raise ValueError(
            f'suppression must be bool ({count}, {count}) to go with scores '
            f'{tuple(scores.shape)}, got {suppression.dtype} '
            f'{tuple(suppression.shape)}'
        )
