"""Write the results of several tests as one Markdown table.

The figures are read from the files that ``tools/test.py`` leaves in its work
dir, so that none is copied by hand.

Example:
    python tools/results_table.py work_dirs/baseline_grocery \
        work_dirs/ccfr_grocery
"""

import argparse
import json
from pathlib import Path

# Metric: heading, digits.
COLUMNS = {
    'c2f/coarse_top1': ('coarse top-1', 2),
    'c2f/coarse_top5': ('coarse top-5', 2),
    'c2f/retrieval_top1': ('retrieval top-1', 2),
    'c2f/rerank_top1': ('re-ranked top-1', 2),
    'c2f/mended': ('mended', 0),
    'c2f/broken': ('broken', 0),
}


def latest_test(work_dir: Path) -> dict[str, float]:
    """Metrics of the last test in a work dir.

    Raises:
        SystemExit: There was none.
    """
    for path in sorted(work_dir.glob('*/[0-9]*.json'), reverse=True):
        lines = path.read_text(encoding='utf-8').splitlines()
        metrics = json.loads(lines[-1]) if lines else {}
        if 'c2f/coarse_top1' in metrics:
            return metrics
    raise SystemExit(f'{work_dir}: no result of tools/test.py in there')


def table(results: dict[str, dict[str, float]]) -> str:
    """Markdown, a row a work dir; ``-`` where a test has no such figure."""
    headings = [heading for heading, _ in COLUMNS.values()]
    rows = [['', *headings], ['---'] + ['---:'] * len(COLUMNS)]
    for name, metrics in results.items():
        rows.append(
            [name] + [cell(metrics.get(k), n) for k, (_, n) in COLUMNS.items()]
        )
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def cell(value: float | None, digits: int) -> str:
    """One figure."""
    return '-' if value is None else f'{value:.{digits}f}'


def main(args: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description='Results as Markdown')
    parser.add_argument('work_dirs', nargs='+', type=Path)
    work_dirs = parser.parse_args(args).work_dirs
    print(table({d.name: latest_test(d) for d in work_dirs}))


if __name__ == '__main__':
    main()
