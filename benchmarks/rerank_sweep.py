"""A sweep over 12 x 10 x 5 settings of the re-ranking against one evaluation.

Example:
    python -m benchmarks rerank_sweep
"""

import torch
from torch.nn.functional import normalize

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from mmc2f.retrieval import Gallery, HeldOut, ReRankPostProcessor
from mmc2f.retrieval.rerank_grid import grid_hits

CLASSES = 200
GRID = dict(
    topn=[5],
    topm=[50],
    t_sc=[i / 12 for i in range(12)],
    gate=['per_class'],
    alpha=[i / 4 for i in range(5)],
    t_sf=[(i + 1) / 10 for i in range(10)],
)


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=5)
    options.add_argument('--queries', type=int, default=5794)
    options.add_argument('--rows', type=int, default=5994)
    options.add_argument('--dims', type=int, default=2560)
    args = options.parse_args(argv)
    set_threads(args.threads)
    made = torch.Generator().manual_seed(0)
    rows = normalize(torch.randn(args.rows, args.dims, generator=made))
    queries = normalize(torch.randn(args.queries, args.dims, generator=made))
    probs = torch.randn(args.queries, CLASSES, generator=made).softmax(dim=1)
    truth = torch.arange(args.queries) % CLASSES
    gallery = Gallery()
    labels = torch.arange(args.rows) % CLASSES
    gallery.fill(rows, labels, [str(i) for i in range(args.rows)], {})
    fold = HeldOut(probs, queries, truth, {None: gallery})
    rule = ReRankPostProcessor(topn=5, topm=50, t_sf=0.5, t_sc=0.5)
    seconds = interleaved(
        {
            'sweep': lambda: grid_hits('paper', [fold], None, GRID),
            'once': lambda: rule(probs, queries, gallery),
        },
        args.rounds,
        args.clock,
    )
    figure = Figure(
        row=6,
        work='sweep of 12 x 10 x 5 settings',
        against='one evaluation',
        rounds=ratios(seconds, 'sweep', 'once'),
        limit=3,
    )
    report([figure], args.json)
    return [figure]


if __name__ == '__main__':
    main()
