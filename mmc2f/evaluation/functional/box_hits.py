"""Whether chosen boxes hit an object and its parts, against chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

__all__ = ['BoxHits', 'box_hits', 'covered_share', 'hit_rates']

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class BoxHits:
    """What the R boxes of an image hit, and how likely random ones would.

    Args:
        scales: ``(R,)`` square root of each box's area, to whole pixels.
        part: ``(R,)`` bool, the box holds a part.
        part_chance: ``(R,)`` probability that a random box does.
        centred: ``(R,)`` bool, the box's centre lies in the object's box.
        centred_chance: ``(R,)`` probability that a random box's does.
    """

    scales: Tensor
    part: Tensor
    part_chance: Tensor
    centred: Tensor
    centred_chance: Tensor

    def of_scale(self, scale: int) -> 'BoxHits':
        """Those boxes that have this scale."""
        chosen = self.scales == scale
        return BoxHits(
            **{name: value[chosen] for name, value in vars(self).items()}
        )


def box_hits(
    boxes: Tensor, parts: Tensor, object_box: Tensor, input_size: Size
) -> BoxHits:
    """Judge the boxes chosen in an image.

    A random box has the size of the chosen one, and its centre anywhere in
    the input with the same probability. The probabilities are areas and are
    computed as such, so nothing is drawn. Anchors lie on a regular grid over
    the input; the mean over such a grid tends to these areas.

    The object is hit where the *centre* of a box lies in its box, as in the
    pointing game for weakly supervised localisation. An overlap (IoU) would
    ask the small boxes, which are meant to lie on a part, to cover the whole.

    Args:
        boxes: ``(R, 4)`` corners (x1, y1, x2, y2) in pixels of the input.
        parts: ``(P, 2)`` x and y, likewise. Those outside the input, which
            the model does not see, do not count.
        object_box: ``(4,)`` corners, likewise.
        input_size: (H, W).
    """
    boxes, parts = boxes.double(), parts.double()
    extent = boxes.new_tensor([input_size[1], input_size[0]])
    seen = ((parts >= 0) & (parts <= extent)).all(dim=1)
    parts = parts[seen]
    sizes = boxes[:, 2:] - boxes[:, :2]
    holds = (parts >= boxes[:, None, :2]) & (parts <= boxes[:, None, 2:])
    low, high = object_box.double().view(2, 2)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    chances = [_part_chance(size, parts, input_size) for size in sizes]
    in_object = covered_share(object_box.double()[None], input_size)
    return BoxHits(
        scales=sizes.prod(dim=1).sqrt().round().long(),
        part=holds.all(dim=2).any(dim=1),
        part_chance=boxes.new_tensor(chances),
        centred=((centres >= low) & (centres <= high)).all(dim=1),
        centred_chance=boxes.new_full((len(boxes),), in_object),
    )


def _part_chance(size: Tensor, parts: Tensor, input_size: Size) -> float:
    """Chance of a random box of ``size`` (w, h) to hold a part.

    It does where its centre lies in a box of the same size around a part.
    """
    around = torch.cat([parts - size / 2, parts + size / 2], dim=1)
    return covered_share(around, input_size)


def covered_share(boxes: Tensor, input_size: Size) -> float:
    """Share of the input that lies in at least one of some boxes.

    Args:
        boxes: ``(P, 4)`` corners, which may lie outside.
        input_size: (H, W).
    """
    if not len(boxes):
        return 0.0
    height, width = input_size
    x = boxes[:, 0::2].clamp(0, width)
    y = boxes[:, 1::2].clamp(0, height)
    # All edges cut the input into cells that are in a box or out of it.
    edges_x, edges_y = x.flatten().unique(), y.flatten().unique()
    in_x = (edges_x[:-1] >= x[:, :1]) & (edges_x[1:] <= x[:, 1:])
    in_y = (edges_y[:-1] >= y[:, :1]) & (edges_y[1:] <= y[:, 1:])
    covered = (in_y[:, :, None] & in_x[:, None, :]).any(dim=0)
    cells = edges_y.diff()[:, None] * edges_x.diff()
    return float((cells * covered).sum() / (height * width))


def hit_rates(images: Sequence[BoxHits]) -> dict[str, float]:
    """Rates over a data set, in percent.

    Args:
        images: What the boxes of each image hit.

    Returns:
        ``part``, the share of boxes that hold a part, and ``object``, the
        share of images in which the centre of at least one box lies in the
        object's box. With ``_random``: the expectation of the same for as
        many random boxes of the same sizes, drawn independently. With
        ``_{scale}``: for the boxes of one scale alone, in the images that
        have any, e.g. ``part_96_random``.

    Raises:
        ValueError: There is no image, or one without boxes.
    """
    empty = [i for i, hits in enumerate(images) if not len(hits.scales)]
    if not images or empty:
        where = f'image {empty[0]} has no box' if empty else 'no image'
        raise ValueError(f'hit rates need boxes in each image: {where}')
    rates = _rates(images, '')
    scales = {scale for hits in images for scale in hits.scales.tolist()}
    for scale in sorted(scales):
        alone = [hits.of_scale(scale) for hits in images]
        rates |= _rates([hits for hits in alone if len(hits.scales)], scale)
    return rates


def _rates(images: Sequence[BoxHits], scale: int | str) -> dict[str, float]:
    scale = f'_{scale}' if scale else ''
    part, chance = (
        torch.cat([getattr(hits, name).double() for hits in images])
        for name in ('part', 'part_chance')
    )
    found = [float(hits.centred.any()) for hits in images]
    # At least one of several independent boxes.
    by_chance = [
        1 - prod((1 - hits.centred_chance).tolist()) for hits in images
    ]
    return {
        f'part{scale}': 100 * part.mean().item(),
        f'part{scale}_random': 100 * chance.mean().item(),
        f'object{scale}': 100 * sum(found) / len(images),
        f'object{scale}_random': 100 * sum(by_chance) / len(images),
    }
