"""Whether chosen boxes hit an object and its parts, against chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, prod

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
        part_elsewhere: ``(R,)`` share of other images in which the same box
            does. NaN where there are none.
        count: ``(R,)`` parts that the box holds.
        count_chance: ``(R,)`` expectation of the same for a random box.
        count_elsewhere: ``(R,)`` mean of the same over other images, or NaN.
        centred: ``(R,)`` bool, the box's centre lies in the object's box.
        centred_chance: ``(R,)`` probability that a random box's does.
    """

    scales: Tensor
    part: Tensor
    part_chance: Tensor
    part_elsewhere: Tensor
    count: Tensor
    count_chance: Tensor
    count_elsewhere: Tensor
    centred: Tensor
    centred_chance: Tensor

    def of_scale(self, scale: int) -> 'BoxHits':
        """Those boxes that have this scale."""
        chosen = self.scales == scale
        return BoxHits(
            **{name: value[chosen] for name, value in vars(self).items()}
        )


def box_hits(
    boxes: Tensor,
    parts: Tensor,
    object_box: Tensor,
    input_size: Size,
    others: Sequence[Tensor] = (),
) -> BoxHits:
    """Judge the boxes chosen in an image.

    A random box has the size of the chosen one, and its centre anywhere in
    the input with the same probability. The probabilities are areas and are
    computed as such, so nothing is drawn. Anchors lie on a regular grid over
    the input; the mean over such a grid tends to these areas.

    Objects stand in the middle more often than at the border, so a box that
    is always there beats a random one. What the boxes have learned about this
    very image is what they hold more here than in other images.

    The object is hit where the *centre* of a box lies in its box, as in the
    pointing game for weakly supervised localisation. An overlap (IoU) would
    ask the small boxes, which are meant to lie on a part, to cover the whole.

    Args:
        boxes: ``(R, 4)`` corners (x1, y1, x2, y2) in pixels of the input.
        parts: ``(P, 2)`` x and y, likewise. Those outside the input, which
            the model does not see, do not count.
        object_box: ``(4,)`` corners, likewise.
        input_size: (H, W).
        others: Parts of other images, likewise.
    """
    boxes = boxes.double()
    parts = _seen(parts, input_size)
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    count = _count_held(boxes, parts)
    # Without others the mean is NaN.
    elsewhere = boxes.new_zeros(len(others), len(boxes))
    for row, other in zip(elsewhere, others, strict=True):
        row[:] = _count_held(boxes, _seen(other, input_size))
    # A box holds a part where its centre lies in a box of the same size
    # around that part. Boxes of a scale share their size.
    distinct, which = sizes.unique(dim=0, return_inverse=True)
    around = [
        torch.cat([parts - size / 2, parts + size / 2], dim=1)
        for size in distinct
    ]
    part_chance = [covered_share(box, input_size) for box in around]
    count_chance = [_shares(box, input_size).sum() for box in around]
    low, high = object_box.double().view(2, 2)
    in_object = covered_share(object_box.double()[None], input_size)
    return BoxHits(
        scales=sizes.prod(dim=1).sqrt().round().long(),
        part=count > 0,
        part_chance=boxes.new_tensor(part_chance)[which],
        part_elsewhere=(elsewhere > 0).double().mean(dim=0),
        count=count,
        count_chance=boxes.new_tensor(count_chance)[which],
        count_elsewhere=elsewhere.mean(dim=0),
        centred=((centres >= low) & (centres <= high)).all(dim=1),
        centred_chance=boxes.new_full((len(boxes),), in_object),
    )


def _seen(parts: Tensor, input_size: Size) -> Tensor:
    """Those of the points that lie in the input."""
    parts = parts.double()
    extent = parts.new_tensor([input_size[1], input_size[0]])
    return parts[((parts >= 0) & (parts <= extent)).all(dim=1)]


def _count_held(boxes: Tensor, parts: Tensor) -> Tensor:
    """``(R,)`` points in each box; a rim belongs to its box."""
    holds = (parts >= boxes[:, None, :2]) & (parts <= boxes[:, None, 2:])
    return holds.all(dim=2).sum(dim=1)


def _shares(boxes: Tensor, input_size: Size) -> Tensor:
    """``(P,)`` share of the input that lies in each of some boxes."""
    height, width = input_size
    corners = boxes.view(-1, 2, 2)
    inside = torch.stack(
        [corners[..., 0].clamp(0, width), corners[..., 1].clamp(0, height)],
        dim=2,
    )
    return inside.diff(dim=1).prod(dim=2).flatten() / (height * width)


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
    """Rates over a data set, in percent, and counts.

    Args:
        images: What the boxes of each image hit.

    Returns:
        ``part``, the share of boxes that hold a part, ``part_count``, how
        many parts a box holds on average, and ``object``, the share of images
        in which the centre of at least one box lies in the object's box.

        With ``_random``: the expectation of the same for as many random boxes
        of the same sizes, drawn independently. ``part`` and ``part_count``
        with ``_shuffled``: the same boxes over other images, where these are
        known. With ``_{scale}`` before that: for the boxes of one scale
        alone, in the images that have any, e.g. ``part_96_random``.

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
        rates |= _rates([h for h in alone if len(h.scales)], f'_{scale}')
    return rates


def _rates(images: Sequence[BoxHits], scale: str) -> dict[str, float]:
    def mean(name: str) -> float:
        values = [getattr(hits, name).double() for hits in images]
        return torch.cat(values).mean().item()

    rates = {
        f'part{scale}': 100 * mean('part'),
        f'part{scale}_random': 100 * mean('part_chance'),
        f'part{scale}_shuffled': 100 * mean('part_elsewhere'),
        f'part_count{scale}': mean('count'),
        f'part_count{scale}_random': mean('count_chance'),
        f'part_count{scale}_shuffled': mean('count_elsewhere'),
    }
    found = [float(hits.centred.any()) for hits in images]
    # At least one of several independent boxes.
    by_chance = [
        1 - prod((1 - hits.centred_chance).tolist()) for hits in images
    ]
    rates[f'object{scale}'] = 100 * sum(found) / len(images)
    rates[f'object{scale}_random'] = 100 * sum(by_chance) / len(images)
    return {name: rate for name, rate in rates.items() if not isnan(rate)}
