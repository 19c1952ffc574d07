"""Inference of CCFR against its bare backbone on the same tensors.

ResNet-50, images of 448 x 448 and four crops of 224 x 224 each: everything
that CCFR adds (navigator, choice of the regions, crops, fusion, heads) is in
the ratio.

Example:
    python -m benchmarks ccfr_inference --batch 8
"""

import torch

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from benchmarks.models import build

LIMIT = 1.02


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=5)
    options.add_argument('--batch', type=int, default=8)
    options.add_argument('--config', default='ccfr_cub')
    args = options.parse_args(argv)
    set_threads(args.threads)
    model = build(args.config)
    images = torch.randn(args.batch, 3, 448, 448)
    side = model.cropper.size
    with torch.inference_mode():
        regions = model.embed(images[:1]).regions.boxes.shape[1]
        crops = torch.randn(args.batch * regions, 3, side, side)

        def whole() -> None:
            model.coarse_logits(model.embed(images))

        def bare() -> None:
            model.backbone(images)
            model.backbone(crops)

        seconds = interleaved(
            {'ccfr': whole, 'backbone': bare}, args.rounds, args.clock
        )
    figure = Figure(
        row=1,
        work=f'inference of {args.config}, batch {args.batch}',
        against=f'its backbone on the images and {regions} crops of {side}',
        rounds=ratios(seconds, 'ccfr', 'backbone'),
        limit=LIMIT,
    )
    report([figure], args.json)
    return [figure]


if __name__ == '__main__':
    main()
