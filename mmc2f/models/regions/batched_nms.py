import torch
from torch import Tensor

from mmc2f.models.regions.anchor_set import AnchorSet
from mmc2f.models.regions.scale_separated_nms import ScaleSeparatedNMS
from mmc2f.optional import COMPILED_OPS, require
from mmc2f.registry import MODELS

__all__ = ['BatchedNMS']


@MODELS.register_module()
class BatchedNMS(ScaleSeparatedNMS):
    """Scale-separated NMS by ``mmcv.ops.batched_nms``, the scales as ids.

    Chooses what :class:`ScaleSeparatedNMS` chooses, one image at a time. It
    keeps no suppression matrices, so its memory does not grow with the square
    of the number of anchors, but it waits for the device at each image.

    Args:
        threshold, topk, separate: As in :class:`ScaleSeparatedNMS`.

    Raises:
        ImportError: mmcv has no compiled ops.
    """

    def __init__(
        self, threshold: float = 0.25, topk: int = 2, separate: bool = True
    ) -> None:
        require('mmc2f.BatchedNMS', COMPILED_OPS)
        super().__init__(threshold, topk, separate)

    @torch.no_grad()
    def _choose(self, scores: Tensor, anchors: AnchorSet, topk: int) -> Tensor:
        # batched_nms moves each id beyond the largest coordinate: with boxes
        # that begin left of 0 the ids would overlap.
        boxes = anchors.boxes - anchors.boxes.min()
        if self.separate:
            groups, ids = anchors.members, anchors.scale_ids
        else:
            everything = torch.arange(len(anchors), device=anchors.device)
            groups, ids = (everything,), torch.zeros_like(anchors.scale_ids)
            topk = anchors.num_scales * topk
        rows = []
        for image in scores:
            kept = self._survivors(image, boxes, ids)
            rows += [
                _first(kept[ids[kept] == group], topk, members[0])
                for group, members in enumerate(groups)
            ]
        return torch.stack(rows).reshape(len(scores), -1)

    def _survivors(self, scores: Tensor, boxes: Tensor, ids: Tensor) -> Tensor:
        """What NMS leaves of an image, best first."""
        from mmcv.ops import batched_nms

        order = scores.argsort(descending=True, stable=True)
        # NaN and -inf are never chosen.
        order = order[scores[order] > float('-inf')]
        if len(order) == 0:
            return order
        # mmcv orders equal scores arbitrarily; ranks are never equal.
        ranks = torch.arange(len(order), 0, -1, device=order.device)
        _, kept = batched_nms(
            boxes[order],
            ranks.to(boxes),
            ids[order],
            dict(type='nms', iou_threshold=self.threshold),
        )
        return order[kept]


def _first(kept: Tensor, count: int, otherwise: Tensor) -> Tensor:
    """The first ``count``; when they are fewer, the best is repeated."""
    best = kept[:1] if len(kept) else otherwise.reshape(1)
    return torch.cat([kept[:count], best.expand(count)])[:count]
