"""From scores to boxes: scale-separated NMS against loops over images.

The same boxes by a greedy NMS in NumPy that stops at the second box of a
scale, image by image, and by ``torchvision.ops.nms``.

Example:
    python -m benchmarks region_choice --rounds 20
"""

import numpy as np
import torch
from torchvision.ops import box_iou, nms

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


def by_numpy(scores: np.ndarray, members: list, overlaps: list) -> np.ndarray:
    """Greedy NMS of each scale of each image, up to TOPK boxes."""
    chosen = np.empty((len(scores), TOPK * len(members)), np.int64)
    for row, line in enumerate(scores):
        for scale, (rows, overlap) in enumerate(
            zip(members, overlaps, strict=True)
        ):
            order = np.argsort(-line[rows], kind='stable')
            kept: list[int] = []
            for candidate in order:
                if all(overlap[candidate, k] <= THRESHOLD for k in kept):
                    kept.append(candidate)
                    if len(kept) == TOPK:
                        break
            start = scale * TOPK
            chosen[row, start : start + TOPK] = rows[kept]
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
    overlaps = [
        box_iou(anchors.boxes[rows], anchors.boxes[rows]).numpy()
        for rows in anchors.members
    ]
    table = scores.numpy()
    ours = choose(scores, anchors)
    looped = torch.from_numpy(by_numpy(table, members, overlaps))
    same = torch.equal(ours, looped)
    same &= torch.equal(ours, by_torchvision(scores, anchors))
    seconds = interleaved(
        {
            'ours': lambda: choose(scores, anchors),
            'numpy': lambda: by_numpy(table, members, overlaps),
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
            limit=FASTER,
            at_least=True,
            note=note,
        )
        for name, title in (
            ('numpy', 'greedy NMS in NumPy'),
            ('torchvision', 'torchvision.ops.nms an image'),
        )
    ]
    report(figures, args.json)
    return figures


if __name__ == '__main__':
    main()
