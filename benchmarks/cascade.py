"""Inference with a cascade against the full model, on real or random images.

With a config, its checkpoint and its data, the threshold is that which
``tools/tune_rerank.py`` has written beside the checkpoint, and accuracies are
compared too. Without, the weights are as they are made and the threshold is
such that ``--share`` of the images go on, which tells the time alone.

Example:
    python -m benchmarks cascade --share 0.3
    python -m benchmarks cascade --config configs/ccfr_grocery.py \
        --checkpoint work_dirs/ccfr_grocery/epoch_6.pth --images 200
"""

from collections.abc import Sequence
from typing import Any

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
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor

LIMIT, LOST = 0.65, 0.1


def made_up(batch: int, count: int, share: float) -> tuple[Any, list, float]:
    """A model with a gallery, batches, and the threshold of a share."""
    model = build('ccfr_cub2010_lite0')
    made = torch.Generator().manual_seed(0)
    batches = [
        dict(inputs=torch.randn(batch, 3, 448, 448, generator=made))
        for _ in range(count // batch)
    ]
    with torch.inference_mode():
        samples = [s for b in batches for s in model.predict(b['inputs'])]
    rows = torch.randn(3000, len(samples[0].embedding), generator=made)
    gallery = Gallery(split_parts=False)
    labels = torch.arange(3000) % model.head.num_classes
    gallery.fill(rows, labels, [str(i) for i in range(3000)], {})
    rule = ReRankPostProcessor(mode='prototypes', kappa=32.0)
    model.attach_reranker(ReRanker(rule, gallery))
    sure = torch.stack([s.global_score.max() for s in samples])
    return model, batches, float(sure.quantile(share))


def trained(
    config: str, checkpoint: str, batch: int, count: int
) -> tuple[Any, list, float]:
    """A trained model with its gallery, test batches, the tuned threshold."""
    from mmengine.dataset import default_collate

    from mmc2f import C2FInferencer
    from mmc2f.apis.complete_dataloaders import complete_dataloaders
    from mmc2f.apis.model_gallery import build_model_gallery
    from mmc2f.engine import StrictRunner
    from mmc2f.retrieval import find_cascade

    plain = C2FInferencer(config, checkpoint, device='cpu')
    gallery = build_model_gallery(plain.model, checkpoint)
    predict = C2FInferencer(config, checkpoint, device='cpu', gallery=gallery)
    cfg = predict.model._config.copy()
    complete_dataloaders(cfg)
    dataset = StrictRunner.build_dataloader(cfg.test_dataloader).dataset
    step = max(1, len(dataset) // count)
    data = [dataset[i] for i in range(0, len(dataset), step)][:count]
    batches = [
        predict.model.data_preprocessor(default_collate(data[i : i + batch]))
        for i in range(0, len(data), batch)
    ]
    threshold = find_cascade('auto', checkpoint)
    if threshold is None:
        raise SystemExit('the tuned cascade lets all images go on')
    return predict.model, batches, threshold


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=5)
    options.add_argument('--config')
    options.add_argument('--checkpoint')
    options.add_argument('--batch', type=int, default=8)
    options.add_argument('--images', type=int, default=32)
    options.add_argument('--share', type=float, default=0.3)
    args = options.parse_args(argv)
    set_threads(args.threads)
    if args.config is None:
        model, batches, threshold = made_up(
            args.batch, args.images, args.share
        )
    else:
        model, batches, threshold = trained(
            args.config, args.checkpoint, args.batch, args.images
        )

    def run(value: float | None) -> list:
        model.attach_cascade(value)
        with torch.inference_mode():
            return [s for b in batches for s in model.predict(b['inputs'])]

    samples = run(threshold)
    went_on = sum(s.went_on for s in samples) / len(samples)
    note = f'{100 * went_on:.0f} % of {len(samples)} images went on'
    seconds = interleaved(
        {'cascade': lambda: run(threshold), 'full': lambda: run(None)},
        args.rounds,
        args.clock,
    )
    figures = [
        Figure(
            row=10,
            work='inference with a cascade',
            against='the full model, with its re-ranking',
            rounds=ratios(seconds, 'cascade', 'full'),
            limit=LIMIT,
            note=note,
        )
    ]
    if args.config is not None:
        lost = right(batches, run(None)) - right(batches, run(threshold))
        figures.append(
            Figure(
                row=10,
                work='points of top-1 that the cascade loses',
                against='one',
                rounds=[100 * lost],
                limit=LOST,
                note=f'on {len(samples)} test images',
            )
        )
    report(figures, args.json)
    return figures


def right(batches: Sequence[dict], samples: Sequence[Any]) -> float:
    """Share of right answers."""
    truth = [s.gt_label for b in batches for s in b['data_samples']]
    hits = [
        int(s.pred_label) == int(label)
        for s, label in zip(samples, truth, strict=True)
    ]
    return sum(hits) / len(hits)


if __name__ == '__main__':
    main()
