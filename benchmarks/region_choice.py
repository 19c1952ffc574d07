"""From scores to boxes: scale-separated NMS against loops over images.

The same boxes by a greedy NMS in NumPy that stops at the second box of a
scale, image by image, and by ``torchvision.ops.nms``. The grid is the same for
all images, so a loop may also know all overlaps beforehand, as ours does: that
one is measured too, and nothing is asked of the ratio to it.

Example:
    python -m benchmarks region_choice --rounds 20
"""

import numpy as np
import torch
from torchvision.ops import nms

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from mmc2f.models.regions import AnchorGenerator, ScaleSeparatedNMS

BATCH, THRESHOLD, TOPK = 64, 0.25, 2
FASTER = 10


def overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU of a box with others."""
    corner = np.maximum(box[:2], others[:, :2])
    sides = np.minimum(box[2:], others[:, 2:]) - corner
    shared = sides.clip(0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    return shared / (areas + (box[2:] - box[:2]).prod() - shared)


def by_numpy(
    scores: np.ndarray, members: list[np.ndarray], boxes: np.ndarray
) -> np.ndarray:
    """Greedy NMS of each scale of each image, up to TOPK boxes.

    As NTS-Net has it: sort, take the best, drop what overlaps it, repeat.
    """
    chosen = np.empty((len(scores), TOPK * len(members)), np.int64)
    for row, line in enumerate(scores):
        for scale, rows in enumerate(members):
            left = rows[np.argsort(-line[rows], kind='stable')]
            for rank in range(TOPK):
                best = left[0]
                chosen[row, scale * TOPK + rank] = best
                left = left[1:]
                left = left[overlap(boxes[best], boxes[left]) <= THRESHOLD]
    return chosen


def all_overlaps(
    members: list[np.ndarray], boxes: np.ndarray
) -> list[np.ndarray]:
    """IoU of all boxes of a scale with each other."""
    own = [boxes[rows] for rows in members]
    return [np.stack([overlap(box, part) for box in part]) for part in own]


def by_known_overlaps(
    scores: np.ndarray, members: list[np.ndarray], known: list[np.ndarray]
) -> np.ndarray:
    """The same loop, which looks the overlaps up."""
    chosen = np.empty((len(scores), TOPK * len(members)), np.int64)
    for row, line in enumerate(scores):
        for scale, rows in enumerate(members):
            left = line[rows]
            for rank in range(TOPK):
                best = left.argmax()
                chosen[row, scale * TOPK + rank] = rows[best]
                near = known[scale][best] > THRESHOLD
                left = np.where(near, -np.inf, left)
    return chosen


def by_torchvision(scores: torch.Tensor, anchors) -> torch.Tensor:
    """The same through ``torchvision.ops.nms``."""
    lines = []
    for line in scores:
        parts = [
            rows[nms(anchors.boxes[rows], line[rows], THRESHOLD)[:TOPK]]
            for rows in anchors.members
        ]
        lines.append(torch.cat(parts))
    return torch.stack(lines)


def main(argv: list[str] | None = None) -> list[Figure]:
    args = parser(__doc__, rounds=15).parse_args(argv)
    set_threads(args.threads)
    grid = AnchorGenerator((96, 192))
    anchors = grid.grid((448, 448), [(28, 28), (14, 14)])
    scores = torch.randn(
        BATCH, len(anchors), generator=torch.Generator().manual_seed(0)
    )
    choose = ScaleSeparatedNMS(THRESHOLD, TOPK)
    members = [rows.numpy() for rows in anchors.members]
    boxes, table = anchors.boxes.numpy(), scores.numpy()
    known = all_overlaps(members, boxes)
    ours = choose(scores, anchors)
    looped = torch.from_numpy(by_numpy(table, members, boxes))
    looked_up = by_known_overlaps(table, members, known)
    same = torch.equal(ours, looped)
    same &= torch.equal(ours, torch.from_numpy(looked_up))
    same &= torch.equal(ours, by_torchvision(scores, anchors))
    seconds = interleaved(
        {
            'ours': lambda: choose(scores, anchors),
            'numpy': lambda: by_numpy(table, members, boxes),
            'known': lambda: by_known_overlaps(table, members, known),
            'torchvision': lambda: by_torchvision(scores, anchors),
        },
        args.rounds,
        args.clock,
    )
    note = 'same boxes' if same else 'OTHER BOXES'
    figures = [
        Figure(
            row=3,
            work=title,
            against='scale-separated NMS of a batch of 64',
            rounds=ratios(seconds, name, 'ours'),
            limit=limit,
            at_least=True,
            note=note,
        )
        for name, title, limit in (
            ('numpy', 'greedy NMS in NumPy', FASTER),
            ('known', 'greedy NMS in NumPy, all overlaps known', None),
            ('torchvision', 'torchvision.ops.nms an image', FASTER),
        )
    ]
    report(figures, args.json)
    return figures


if __name__ == '__main__':
    main()
