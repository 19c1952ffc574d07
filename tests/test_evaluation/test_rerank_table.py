"""The printed table shows the numbers it was given."""

from rich.console import Console

from mmc2f.evaluation import rerank_table

METRICS = {
    'coarse_top1': 80.0,
    'coarse_top5': 95.5,
    'coarse_family_top1': 88.25,
    'rerank_top1': 82.125,
    'rerank_top5': 96.0,
    'rerank_family_top1': 89.0,
    'retrieval_top1': 79.0,
    'retrieval_top5': 90.0,
    'mended': 12,
    'broken': 5,
}


def render(table):
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    lines = capture.get().splitlines()
    cells = [
        [cell.strip() for cell in line.replace('┃', '│').split('│')[1:-1]]
        for line in lines
        if '│' in line or '┃' in line
    ]
    return cells, lines[-1].strip()


def test_shows_every_number():
    rows, caption = render(rerank_table(METRICS))
    assert rows == [
        ['accuracy, %', 'top-1', 'top-5', 'family'],
        ['coarse', '80.00', '95.50', '88.25'],
        ['retrieval', '79.00', '90.00', '-'],
        ['re-ranked', '82.12', '96.00', '89.00'],
    ]
    assert caption == 'mended 12, broken 5'


def test_without_reranking():
    rows, caption = render(rerank_table({'coarse_top1': 80.0}))
    assert rows == [
        ['accuracy, %', 'top-1', 'top-5'],
        ['coarse', '80.00', '-'],
        ['retrieval', '-', '-'],
        ['re-ranked', '-', '-'],
    ]
    assert caption == 'mended -, broken -'


def test_seconds_and_prefix():
    metrics = {f'birds/{name}': value for name, value in METRICS.items()}
    seconds = {'coarse': 1.25, 'rerank': 3, 'gallery': 20}
    rows, caption = render(rerank_table(metrics, seconds))
    assert caption == 'mended 12, broken 5, gallery 20.0 s'
    assert [row[-1] for row in rows] == ['seconds', '1.2', '-', '3.0']
    assert rows[1][:2] == ['coarse', '80.00']


def test_other_metrics_are_ignored():
    rows, _ = render(
        rerank_table({**METRICS, 'accuracy/family_top1': 1.0, 'loss': 2.0})
    )
    assert rows[0] == ['accuracy, %', 'top-1', 'top-5', 'family']
