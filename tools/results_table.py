"""Write the results of several tests as one Markdown table.

The figures are read from the files that ``tools/test.py`` leaves in its work
dir, so that none is copied by hand.

Example:
    python tools/results_table.py work_dirs/baseline_grocery \
        work_dirs/ccfr_grocery
    python tools/results_table.py --levels work_dirs/mlph_grocery \
        work_dirs/mlp_grocery
"""

import argparse
from pathlib import Path

from mmc2f.files import read_json_lines

# Metric: heading, digits.
COLUMNS = {
    'rerank/coarse_top1': ('coarse top-1', 2),
    'rerank/coarse_top5': ('coarse top-5', 2),
    'rerank/retrieval_top1': ('retrieval top-1', 2),
    'rerank/rerank_top1': ('re-ranked top-1', 2),
    'rerank/mended': ('mended', 0),
    'rerank/broken': ('broken', 0),
}
# Likewise; only where a test judged its boxes (--annotations).
BOX_COLUMNS = {
    'boxes/part': ('boxes on a part', 2),
    'boxes/part_random': ('random boxes', 2),
    'boxes/part_shuffled': ('same boxes, other images', 2),
}
LEVELS = 'levels/'
# Prefixes of the metrics in older work dirs.
FORMER = {'c2f/': 'rerank/', 'c2fgc/': LEVELS}


def latest_test(work_dir: Path) -> dict[str, float]:
    """Metrics of the last test in a work dir.

    Raises:
        SystemExit: There was none.
    """
    for path in sorted(work_dir.glob('*/[0-9]*.json'), reverse=True):
        lines = list(read_json_lines(path))
        metrics = with_new_prefixes(lines[-1][1] if lines else {})
        if 'rerank/coarse_top1' in metrics:
            return metrics
    raise SystemExit(f'{work_dir}: no result of tools/test.py in there')


def with_new_prefixes(metrics: dict[str, float]) -> dict[str, float]:
    """Rename metrics that an older version measured."""
    renamed = {}
    for name, value in metrics.items():
        prefix, slash, rest = name.partition('/')
        renamed[FORMER.get(prefix + slash, prefix + slash) + rest] = value
    return renamed


def table(results: dict[str, dict[str, float]]) -> str:
    """Markdown, one row per work dir; ``-`` where there is no such figure."""
    measured = {name for metrics in results.values() for name in metrics}
    boxes = {k: v for k, v in BOX_COLUMNS.items() if k in measured}
    columns = COLUMNS | boxes
    headings = [heading for heading, _ in columns.values()]
    rows = [['', *headings], ['---'] + ['---:'] * len(columns)]
    for name, metrics in results.items():
        rows.append(
            [name] + [cell(metrics.get(k), n) for k, (_, n) in columns.items()]
        )
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def levels_table(results: dict[str, dict[str, float]]) -> str:
    """Markdown, a row for each view of each work dir.

    Raises:
        SystemExit: A test did not measure views, or others than the first.
    """
    columns: list[str] = []
    rows = []
    for name, metrics in results.items():
        views = views_of(metrics)
        if not views:
            raise SystemExit(f'{name}: its test has no {LEVELS} metrics')
        for view, values in views.items():
            columns = columns or list(values)
            if list(values) != columns:
                raise SystemExit(
                    f'{name} has {", ".join(values)}, but the first has '
                    f'{", ".join(columns)}'
                )
            rows.append([name, view, *(cell(v, 2) for v in values.values())])
    headings = ['', 'resolution', *columns]
    marks = ['---', '---'] + ['---:'] * len(columns)
    lines = [headings, marks, *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def views_of(metrics: dict[str, float]) -> dict[str, dict[str, float]]:
    """Measures of ``mmc2f.MultiResolutionMetric``, by view and name."""
    measured = {
        key.removeprefix(LEVELS): value
        for key, value in metrics.items()
        if key.startswith(LEVELS)
    }
    # Each view has a consistency; its name may hold underscores.
    end = '_consistency'
    names = [key.removesuffix(end) for key in measured if key.endswith(end)]
    return {
        name: {
            key.removeprefix(f'{name}_').removesuffix('_top1'): value
            for key, value in measured.items()
            if key.startswith(f'{name}_')
        }
        for name in names
    }


def cell(value: float | None, digits: int) -> str:
    """One figure."""
    return '-' if value is None else f'{value:.{digits}f}'


def main(args: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description='Results as Markdown')
    parser.add_argument('work_dirs', nargs='+', type=Path)
    parser.add_argument(
        '--levels',
        action='store_true',
        help='accuracy of each level at each resolution',
    )
    options = parser.parse_args(args)
    results = {d.name: latest_test(d) for d in options.work_dirs}
    print(levels_table(results) if options.levels else table(results))


if __name__ == '__main__':
    main()
