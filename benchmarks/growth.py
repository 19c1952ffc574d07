"""How the cost grows: with images, classes, gallery rows and input size.

Each is swept while all else stays. A power of the size is fitted to the
seconds: an exponent of 1 is linear, and 2 that of an image's side where every
pixel costs the same. A fixed cost, such as that of a call, lowers it.

Example:
    python -m benchmarks growth --page docs/growth.md
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import normalize

from benchmarks.figures import (
    exponent,
    facts,
    interleaved,
    parser,
    set_threads,
)
from benchmarks.models import build
from benchmarks.page import machine_line
from mmc2f.retrieval import ExactIndex
from mmc2f.retrieval.rerank import rerank

DIMS, QUERIES, TOPM, BATCH = 512, 64, 50, 4
#: Side of the images that are counted.
SIDE = 224
HEAD = """# How the cost grows

<!-- Written by `python -m benchmarks growth --page`; do not edit. -->

One size is swept while all else stays; seconds are the median of the rounds,
and the exponent p is that of the fitted power, seconds ~ size^p. A fixed cost,
such as that of a call, lowers it.
"""


@dataclass(frozen=True)
class Sweep:
    """What is made larger, and what that costs.

    Attributes:
        work: What is measured.
        unit: What its size counts.
        sizes: Ascending.
        seconds: Of each size.
    """

    work: str
    unit: str
    sizes: Sequence[int]
    seconds: Sequence[float]

    @property
    def exponent(self) -> float:
        return exponent(self.sizes, self.seconds)


def classify_images(model: Any, count: int) -> Callable[[], object]:
    """Images in batches through CCFR."""
    images = torch.randn(count, 3, SIDE, SIDE)

    def run() -> None:
        for batch in images.split(BATCH):
            model.coarse_logits(model.embed(batch))

    return run


def classify_side(model: Any, side: int) -> Callable[[], object]:
    """One image; its crops are of one size whatever the image is."""
    image = torch.randn(1, 3, side, side)
    return lambda: model.coarse_logits(model.embed(image))


def rerank_classes(count: int) -> Callable[[], object]:
    """Queries with their neighbours, without the search."""
    probs = torch.randn(QUERIES, count).softmax(dim=1)
    similarities = torch.rand(QUERIES, TOPM)
    labels = torch.randint(count, (QUERIES, TOPM))
    # No softmax is trusted, so that every query is re-ranked.
    return lambda: rerank(probs, similarities, labels, t_sf=1.0, t_sc=0.0)


def search_rows(count: int) -> Callable[[], object]:
    """Exact search."""
    index = ExactIndex()
    index.build(normalize(torch.randn(count, DIMS)))
    queries = normalize(torch.randn(QUERIES, DIMS))
    return lambda: index.search(queries, min(TOPM, count))


def measure(
    work: str,
    unit: str,
    sizes: Sequence[int],
    make: Callable[[int], Callable[[], object]],
    args: Any,
) -> Sweep:
    """Time all sizes in turn, and print what came of it."""
    functions = {str(size): make(size) for size in sizes}
    rounds = interleaved(functions, args.rounds, args.clock)
    seconds = [statistics.median(found) for found in rounds.values()]
    sweep = Sweep(work, unit, sizes, seconds)
    print(
        f'{work}: {sizes[0]} to {sizes[-1]} {unit} take {seconds[0]:.3g} to '
        f'{seconds[-1]:.3g} s, exponent {sweep.exponent:.2f}',
        flush=True,
    )
    return sweep


def draw(sweeps: Sequence[Sweep], path: Path) -> None:
    """Points and the fitted power, each sweep on log axes of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from mmc2f.visualization.save_picture import save_picture
    from mmc2f.visualization.style import group_colour

    figure = Figure(figsize=(10, 7), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    for number, (axes, sweep) in enumerate(
        zip(figure.subplots(2, 2).flat, sweeps, strict=True)
    ):
        power = sweep.exponent
        # Through the middle of the points, in logarithms.
        x, y = map(statistics.geometric_mean, (sweep.sizes, sweep.seconds))
        fitted = [y * (size / x) ** power for size in sweep.sizes]
        colour = group_colour(number)
        axes.loglog(sweep.sizes, fitted, '--', color='#222222', linewidth=1)
        axes.loglog(sweep.sizes, sweep.seconds, 'o', color=colour)
        axes.set(xlabel=sweep.unit, ylabel='seconds')
        axes.set_title(f'{sweep.work}: exponent {power:.2f}', fontsize=11)
        axes.grid(color='#e6e6e6')
        axes.spines[['top', 'right']].set_visible(False)
    save_picture(figure, path)


def write_page(path: Path, sweeps: Sequence[Sweep]) -> None:
    """A table, with the picture ``images/growth.png`` beside the page."""
    draw(sweeps, path.parent / 'images' / 'growth.png')
    rows = [
        f'| {sweep.work} | {sweep.sizes[0]:,} to {sweep.sizes[-1]:,} '
        f'{sweep.unit} | {sweep.seconds[0]:.3g} to {sweep.seconds[-1]:.3g} | '
        f'{sweep.exponent:.2f} |'
        for sweep in sweeps
    ]
    lines = [
        *(HEAD, machine_line([facts()]), ''),
        '| work | swept | seconds | exponent |',
        '| --- | --- | --- | ---: |',
        *(*rows, '', '![Seconds over size](images/growth.png)', ''),
    ]
    path.write_text('\n'.join(lines))
    print(f'{path} written')


def main(argv: list[str] | None = None) -> list[Sweep]:
    options = parser(__doc__, rounds=3)
    options.add_argument('--config', default='ccfr_cub2010_lite0')
    sizes: dict[str, tuple[int, ...]] = dict(
        images=(4, 8, 16, 32),
        classes=(100, 300, 1000, 3000, 10000),
        rows=(1000, 3000, 10000, 30000, 100000),
        sides=(256, 384, 512, 768, 1024),
    )
    for name, values in sizes.items():
        options.add_argument(f'--{name}', type=int, nargs='+', default=values)
    options.add_argument('--page', metavar='FILE', help='write a page')
    args = options.parse_args(argv)
    set_threads(args.threads)
    # The global pass then sees the whole input.
    model = build(args.config, global_size=None)
    with torch.inference_mode():
        sweeps = [
            measure(
                *(f'images of {SIDE} x {SIDE} through CCFR', 'images'),
                *(args.images, lambda n: classify_images(model, n), args),
            ),
            measure(
                *('an image through CCFR', 'pixels of its side', args.sides),
                *(lambda n: classify_side(model, n), args),
            ),
            measure(
                *(f're-ranking of {QUERIES} queries', 'classes'),
                *(args.classes, rerank_classes, args),
            ),
            measure(
                *(f'exact search of {QUERIES} queries', 'gallery rows'),
                *(args.rows, search_rows, args),
            ),
        ]
    if args.page is not None:
        write_page(Path(args.page), sweeps)
    return sweeps


if __name__ == '__main__':
    main()
