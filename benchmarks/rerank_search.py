"""Re-ranking of a test set against the search that it needs, and a loop.

5,794 queries against a gallery of 5,994 x 2,560, as on CUB-200-2011.

Example:
    python -m benchmarks rerank_search --queries 1000
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
from mmc2f.retrieval import Gallery, ReRankPostProcessor

CLASSES, TOPN, TOPM, T_SF, T_SC = 200, 5, 50, 0.9, 0.05
LOOPED = 50


def loop(probs, similarities, labels) -> None:
    """Eq. (8) and (9) as one would write them down, query by query."""
    for p, s, y in zip(probs, similarities, labels, strict=True):
        top = p.topk(TOPN).indices.tolist()
        near = [
            (a, b)
            for a, b in zip(s.tolist(), y.tolist(), strict=True)
            if a >= T_SC and b in top
        ]
        total = sum(a for a, _ in near)
        for c in top:
            if p[c] < T_SF and total > 0:
                sum(a for a, b in near if b == c) / total


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
    gallery = Gallery()
    labels = torch.arange(args.rows) % CLASSES
    gallery.fill(rows, labels, [str(i) for i in range(args.rows)], {})
    rule = ReRankPostProcessor(topn=TOPN, topm=TOPM, t_sf=T_SF, t_sc=T_SC)
    found = gallery.search(queries[:LOOPED], TOPM)
    seconds = interleaved(
        {
            'rerank': lambda: rule(probs, queries, gallery),
            'search': lambda: gallery.search(queries, TOPM),
            'loop': lambda: loop(
                probs[:LOOPED], found.similarities, found.labels
            ),
        },
        args.rounds,
        args.clock,
    )
    # Without the search, and a query each.
    ours = [
        max(a - b, 1e-9) / args.queries
        for a, b in zip(seconds['rerank'], seconds['search'], strict=True)
    ]
    figures = [
        Figure(
            row=4,
            work=f'search and re-ranking of {args.queries} queries',
            against=f'the top-{TOPM} search alone',
            rounds=ratios(seconds, 'rerank', 'search'),
            limit=1.1,
        ),
        Figure(
            row=4,
            work='a loop over queries, without the search',
            against='re-ranking, without the search',
            rounds=[
                a / LOOPED / b
                for a, b in zip(seconds['loop'], ours, strict=True)
            ],
            limit=100,
            at_least=True,
        ),
    ]
    report(figures, args.json)
    return figures


if __name__ == '__main__':
    main()
