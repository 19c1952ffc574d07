"""Predictions, records and results that are cut or changed."""

import json

from corpus.bench import Bench
from corpus.case import Case

NAME = r'predictions\.jsonl'


def drawn(change, *args: str):
    """Draws the good predictions after a change of their lines."""

    def run(bench: Bench) -> None:
        lines = bench.world.predictions.read_text().splitlines()
        content = change(lines)
        if not isinstance(content, bytes):
            content = '\n'.join(content).encode()
        path = bench.write('predictions.jsonl', content)
        bench.tool('draw_predictions', bench.world.config, path, *args)

    return run


def second(**changes: object):
    """Changes fields of the second line; None takes one away."""

    def change(lines: list[str]) -> list[str]:
        record = json.loads(lines[1]) | changes
        for name in [n for n, value in changes.items() if value is ...]:
            del record[name]
        return [lines[0], json.dumps(record, default=str), *lines[2:]]

    return change


def cut(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-1][:50]]


def of_an_older_test(bench: Bench) -> None:
    bench.write('work/20260101_000000/20260101_000000.json', '{"a": ')
    bench.tool('results_table', bench.folder / 'work')


def study(content: str, *args: str):
    return lambda b: b.tool('ablate', b.write('study.py', content), *args)


LINE_2 = f'{NAME}, line 2: '
CASES = [
    Case('cut short', drawn(cut), rf'{NAME}, line 16: no whole JSON'),
    Case('empty', drawn(lambda lines: b''), f'{NAME} holds no prediction'),
    Case(
        'Latin-1',
        drawn(lambda lines: '{"image": "é"}'.encode('latin-1')),
        f'{NAME}, row 1: .*UTF-8',
    ),
    Case(
        'number',
        drawn(lambda lines: [lines[0], '7']),
        f'{LINE_2}expected an object',
    ),
    Case('no image', drawn(second(image=...)), f"{LINE_2}.*no 'image'"),
    Case('no truth', drawn(second(truth=...)), f"{LINE_2}.*no 'truth'"),
    Case('no coarse', drawn(second(coarse=...)), f'{LINE_2}.*coarse'),
    Case('image 7', drawn(second(image=7)), f"{LINE_2}'image' is no name"),
    Case('coarse []', drawn(second(coarse=[])), f'{LINE_2}.*coarse'),
    Case(
        'class 3',
        drawn(second(coarse=[{'class': 3, 'probability': 0.5}])),
        f'{LINE_2}.*coarse',
    ),
    Case(
        'box of three',
        drawn(second(regions=[{'box': [1, 2, 3], 'score': 0.5}])),
        f'{LINE_2}.*regions',
    ),
    Case(
        'box of words',
        drawn(second(regions=[{'box': list('abcd'), 'score': 0.5}])),
        f'{LINE_2}.*regions',
    ),
    Case(
        'image null',
        drawn(second(image=None)),
        f'{NAME}: .*no image file',
    ),
    Case(
        'image of another data set',
        drawn(second(image='elsewhere.png')),
        rf'{NAME}: elsewhere\.png is none of the 16 images',
    ),
    Case(
        'unknown view',
        drawn(lambda lines: lines, '--view', 'low'),
        "no prediction has view 'low'",
    ),
    Case(
        'missing',
        lambda b: b.tool('draw_predictions', b.world.config, 'none.jsonl'),
        r'no predictions none\.jsonl',
    ),
    Case(
        'folder without results',
        lambda b: b.tool('results_table', b.folder),
        'no result',
    ),
    Case(
        'folder that is missing',
        lambda b: b.tool('results_table', b.folder / 'none'),
        'none: no result',
    ),
    Case('results cut short', of_an_older_test, r'\.json, line 1: no whole'),
    Case('study, empty', study('', '--dry-run'), 'study'),
    Case('study, syntax', study('rows = [', '--dry-run'), r'study\.py'),
    Case(
        'study, missing',
        lambda b: b.tool('ablate', 'none.py', '--dry-run'),
        r'none\.py',
    ),
]
