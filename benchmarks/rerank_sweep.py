"""A sweep over 12 x 10 x 5 settings of the re-ranking against one evaluation.

Example:
    python -m benchmarks rerank_sweep
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
from benchmarks.random_gallery import add_sizes, random_gallery
from mmc2f.retrieval import HeldOut, ReRankPostProcessor
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
    add_sizes(options)
    args = options.parse_args(argv)
    set_threads(args.threads)
    gallery, queries, probs = random_gallery(args, CLASSES)
    truth = torch.arange(args.queries) % CLASSES
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
