"""A large gallery: an index by factory string against the exact product.

Rows lie around centres, as embeddings of classes do. Build time and size of
the index over the number of rows are fitted by a power, so that the exponent
tells how they grow.

Example:
    python -m benchmarks gallery_index --rows 10000 100000 1000000
"""

import time

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks.figures import (
    Figure,
    exponent,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from mmc2f.retrieval import FaissIndex

DIMS, BATCH, TOPM = 512, 256, 50
#: At most so many centres, and rows a centre at least.
CENTRES, CROWD = 1000, 100


def clustered(count: int, seed: int, centres: Tensor) -> Tensor:
    """Rows around the centres."""
    made = torch.Generator().manual_seed(seed)
    place = torch.randint(len(centres), (count,), generator=made)
    noise = torch.randn(count, DIMS, generator=made)
    return normalize(centres[place] + 0.7 * noise)


def exact(rows: Tensor, queries: Tensor) -> Tensor:
    return (queries @ rows.T).topk(TOPM).indices


def recall(found: Tensor, truth: Tensor) -> float:
    """Share of the nearest that were found."""
    shared = (found[:, :, None] == truth[:, None, :]).any(dim=2)
    return float(shared.float().mean())


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=5)
    options.add_argument('--rows', type=int, nargs='+', default=[10**4, 10**5])
    options.add_argument('--factory', default='IVF{lists},Flat')
    options.add_argument('--probed', type=float, default=0.01, help='of lists')
    args = options.parse_args(argv)
    set_threads(args.threads)
    made = torch.Generator().manual_seed(0)
    directions = torch.randn(CENTRES, DIMS, generator=made)
    built = []
    for count in args.rows:
        centres = directions[: max(1, count // CROWD)]
        queries = clustered(BATCH, 1, centres)
        rows = clustered(count, 2, centres)
        lists = int(4 * count**0.5)
        params = {}
        if '{lists}' in args.factory:
            params = dict(nprobe=max(1, round(args.probed * lists)))
        index = FaissIndex(args.factory.format(lists=lists), params)
        start = time.perf_counter()
        index.build(rows)
        built.append(time.perf_counter() - start)
        print(f'{count} rows built in {built[-1]:.1f} s', flush=True)
    found = index.search(queries, TOPM)[1]
    truth = exact(rows, queries)
    share = recall(found, truth)
    seconds = interleaved(
        {
            'index': lambda: index.search(queries, TOPM),
            'exact': lambda: exact(rows, queries),
        },
        args.rounds,
        args.clock,
    )
    note = f'{count} x {DIMS}'
    if len(built) > 1:
        grows = exponent(args.rows, built)
        note += f'; build time grows as rows^{grows:.2f}'
    figures = [
        Figure(
            row=5,
            work=f'search of {BATCH} queries by {args.factory}',
            against='exact matrix product',
            rounds=ratios(seconds, 'index', 'exact'),
            limit=0.1,
            note=note,
        ),
        Figure(
            row=5,
            work=f'recall of the {TOPM} nearest',
            against='exact search',
            rounds=[share],
            limit=0.98,
            at_least=True,
        ),
    ]
    report(figures, args.json)
    return figures


if __name__ == '__main__':
    main()
