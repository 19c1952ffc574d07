"""Re-ranking of a test set against the search that it needs, and a loop.

5,794 queries against a gallery of 5,994 x 2,560, as on CUB-200-2011.

Example:
    python -m benchmarks rerank_search --queries 1000
"""

from heapq import nlargest

from torch import Tensor

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from benchmarks.random_gallery import add_sizes, random_gallery
from mmc2f.retrieval import Gallery, Neighbours, ReRankPostProcessor

CLASSES, TOPN, TOPM, T_SF, T_SC = 200, 5, 50, 0.9, 0.0
LOOPED = 50


def shortlist_loop(
    probs: Tensor, similarities: Tensor, labels: Tensor
) -> None:
    """The same for the best classes only: what an answer needs, no more."""
    columns = probs.tolist(), similarities.tolist(), labels.tolist()
    for softmax, near, classes in zip(*columns, strict=True):
        top = nlargest(TOPN, range(CLASSES), key=softmax.__getitem__)
        votes = dict.fromkeys(top, 0.0)
        for s, y in zip(near, classes, strict=True):
            if s >= T_SC and y in votes:
                votes[y] += s
        total = sum(votes.values())
        if total > 0:
            scores = {
                c: votes[c] / total if softmax[c] < T_SF else softmax[c]
                for c in top
            }
            top.sort(key=lambda c: -scores[c])


def loop(probs: Tensor, similarities: Tensor, labels: Tensor) -> None:
    """Eq. (8) and (9) as one would write them down, query by query.

    It gives what the batched form gives: the score by retrieval of every
    class, and the classes in their new order.
    """
    columns = probs.tolist(), similarities.tolist(), labels.tolist()
    for softmax, near, classes in zip(*columns, strict=True):
        voters = [
            (s, y) for s, y in zip(near, classes, strict=True) if s >= T_SC
        ]
        votes = [sum(s for s, y in voters if y == c) for c in range(CLASSES)]
        order = sorted(range(CLASSES), key=lambda c: -softmax[c])
        top = order[:TOPN]
        total = sum(votes[c] for c in top)
        if total > 0:
            scores = {
                c: votes[c] / total if softmax[c] < T_SF else softmax[c]
                for c in top
            }
            order[:TOPN] = sorted(top, key=lambda c: -scores[c])


class Searched:
    """A gallery whose search has been done: what re-ranking alone costs."""

    def __init__(self, gallery: Gallery, found: Neighbours) -> None:
        self.gallery, self.found = gallery, found

    def __getattr__(self, name: str):
        return getattr(self.gallery, name)

    def search(self, queries: Tensor, topm: int) -> Neighbours:
        return self.found


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=5)
    add_sizes(options)
    args = options.parse_args(argv)
    set_threads(args.threads)
    gallery, queries, probs = random_gallery(args, CLASSES)
    rule = ReRankPostProcessor(topn=TOPN, topm=TOPM, t_sf=T_SF, t_sc=T_SC)
    found = gallery.search(queries, TOPM)
    searched = Searched(gallery, found)
    near = found.similarities[:LOOPED], found.labels[:LOOPED]
    seconds = interleaved(
        {
            'rerank': lambda: rule(probs, queries, gallery),
            'search': lambda: gallery.search(queries, TOPM),
            'votes': lambda: rule(probs, queries, searched),
            'loop': lambda: loop(probs[:LOOPED], *near),
            'shortlist': lambda: shortlist_loop(probs[:LOOPED], *near),
        },
        args.rounds,
        args.clock,
    )
    # A query each.
    ours = [spent / args.queries for spent in seconds['votes']]
    figures = [
        Figure(
            row=4,
            work=f'search and re-ranking of {args.queries} queries',
            against=f'the top-{TOPM} search alone',
            rounds=ratios(seconds, 'rerank', 'search'),
            limit=1.1,
        ),
    ]
    figures += [
        Figure(
            row=4,
            work=work,
            against='re-ranking, without the search',
            rounds=[
                a / LOOPED / b
                for a, b in zip(seconds[name], ours, strict=True)
            ],
            limit=limit,
            at_least=True,
        )
        for name, work, limit in (
            ('loop', 'a loop over queries, without the search', 100),
            ('shortlist', 'a loop that scores the best classes only', None),
        )
    ]
    report(figures, args.json)
    return figures


if __name__ == '__main__':
    main()
