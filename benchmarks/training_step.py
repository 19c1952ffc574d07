"""A training step of CCFR's last stage against its bare backbone.

ResNet-50, 448 and crops of 224: forward and backward pass of softmax and
triplet loss, against the same of the backbone alone on the same tensors.

Example:
    python -m benchmarks training_step --batch 2
"""

import torch
from mmpretrain.structures import DataSample

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from benchmarks.models import build


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=3)
    options.add_argument('--batch', type=int, default=8)
    args = options.parse_args(argv)
    set_threads(args.threads)
    model = build('ccfr_cub').train()
    model.set_losses(('softmax', 'triplet'))
    images = torch.randn(args.batch, 3, 448, 448)
    labels = [i // 2 for i in range(args.batch)]
    samples = [DataSample().set_gt_label(label) for label in labels]
    side = model.cropper.size
    regions = model.nms.topk * model.navigator.anchor_generator.num_scales
    crops = torch.randn(args.batch * regions, 3, side, side)

    def step(losses) -> None:
        model.zero_grad()
        losses.backward()

    def whole() -> None:
        losses = model.loss(images, samples)
        step(sum(v for k, v in losses.items() if 'loss' in k))

    def bare() -> None:
        maps = model.backbone(images)[-1], model.backbone(crops)[-1]
        step(sum(m.mean() for m in maps))

    seconds = interleaved(
        {'ccfr': whole, 'backbone': bare}, args.rounds, args.clock
    )
    figure = Figure(
        row=2,
        work=f'training step of ccfr_cub, last stage, batch {args.batch}',
        against='forward and backward pass of its backbone',
        rounds=ratios(seconds, 'ccfr', 'backbone'),
        limit=1.1,
    )
    report([figure], args.json)
    return [figure]


if __name__ == '__main__':
    main()
