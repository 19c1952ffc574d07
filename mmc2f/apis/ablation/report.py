"""A study as Markdown: tables, machine, time and every command."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmc2f.apis.ablation.results import RowResult, StudyResult
from mmc2f.files import read_text, write_text

__all__ = ['report', 'write_section']

HEADINGS = (
    *('', 'measure', 'mean', 'min to max', 'seeds', 'gain'),
    *('95 % interval', 'over', 'minutes'),
)
NOTE = (
    'Mean: top-1 accuracy in percent over the seeds. Gain: percentage points '
    'over the row named beside it; its interval is a paired bootstrap over '
    'the test images (`mmc2f.functional`) and knows nothing of the scatter '
    'between seeds. Minutes: of one seed, training and test; rows may share '
    'a training.'
)


def report(
    result: StudyResult, command: str, pictures: Mapping[str, str]
) -> str:
    """The whole section, without its markers.

    Args:
        result: Figures and records.
        command: That wrote the section.
        pictures: Links to plots, by their titles.
    """
    parts = [
        f'### {result.study.title}',
        f'Written by `{command}`. {NOTE}',
    ]
    for group, rows in result.groups().items():
        parts += [f'**{group}**'] if group else []
        parts.append(_table(rows))
        counts = sorted({len(r.images) for r in rows if r.images})
        if counts:
            parts.append(f'{" and ".join(map(str, counts))} test images.')
    parts += [f'![{title}]({link})' for title, link in pictures.items()]
    parts += _origin(result)
    parts.append(_commands(result))
    return '\n\n'.join(parts) + '\n'


def write_section(path: Path, name: str, text: str) -> None:
    """Put a text between its markers, and leave the rest of the file alone.

    Args:
        path: Markdown file; made where there is none.
        name: Of the section; ``<!-- ablate NAME -->`` begins it and
            ``<!-- /ablate NAME -->`` ends it. A file without them gets them
            at its end.
        text: Its content.

    Raises:
        ValueError: Only one of the markers is there, or one twice.
    """
    begin, end = f'<!-- ablate {name} -->', f'<!-- /ablate {name} -->'
    content = read_text(path) if path.is_file() else ''
    counts = content.count(begin), content.count(end)
    section = f'{begin}\n{text.rstrip()}\n{end}'
    if counts == (0, 0):
        gap = '\n\n' if content.strip() else ''
        content = f'{content.rstrip()}{gap}{section}\n'
    elif counts == (1, 1) and content.index(begin) < content.index(end):
        before, _, rest = content.partition(begin)
        content = before + section + rest.partition(end)[2]
    else:
        raise ValueError(
            f'{path} must have {begin} once, and then {end} once, or neither'
        )
    write_text(path, content)


def _table(rows: Sequence[RowResult]) -> str:
    marks = ['---', '---'] + ['---:'] * 5 + ['---', '---:']
    lines = [HEADINGS, marks, *(_cells(row) for row in rows)]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def _cells(result: RowResult) -> list[str]:
    row = result.row
    measure = row.measure + (f', {row.view}' if row.view else '')
    done, planned = len(result.values), result.planned
    cells = [row.name, measure, *['-'] * 7]
    cells[4] = str(done) if done == planned else f'{done} of {planned}'
    if result.values:
        low, high = min(result.values), max(result.values)
        minutes = [record.minutes for record in result.records]
        cells[2] = f'{result.mean:.2f}'
        cells[3] = f'{low:.2f} to {high:.2f}' if done > 1 else '-'
        cells[8] = f'{sum(minutes) / done:.1f}'
    if result.gain is not None:
        gain, low, high = result.gain
        cells[5] = f'{gain:+.2f}'
        cells[6] = f'{low:+.2f} to {high:+.2f}'
    if result.reference is not None:
        cells[7] = result.reference
    return cells


def _origin(result: StudyResult) -> list[str]:
    records = [r for row in result.rows for r in row.records]
    if not records:
        return []
    machines = dict.fromkeys(record.machine for record in records)
    codes = dict.fromkeys(record.code for record in records)
    return [f'Machine: {"; ".join(machines)}. Code: {"; ".join(codes)}.']


def _commands(result: StudyResult) -> str:
    """Each command once, seeds of equal ones as a loop."""
    blocks: dict[str, list[str]] = {}
    for row in result.rows:
        for text in _of_seeds(row):
            label = row.row.name
            if row.row.group:
                label = f'{row.row.group}: {label}'
            blocks.setdefault(text, []).append(label)
    if not blocks:
        return 'Nothing has been run yet.'
    texts = [f'# {"; ".join(who)}\n{what}' for what, who in blocks.items()]
    return '```bash\n' + '\n'.join(texts) + '\n```'


def _of_seeds(row: RowResult) -> list[str]:
    shapes: dict[tuple[str, ...], list[int | None]] = {}
    for record in row.records:
        seed = record.seed
        shape = tuple(_without_seed(c, seed) for c in record.commands)
        shapes.setdefault(shape, []).append(seed)
    texts = []
    for shape, seeds in shapes.items():
        if len(seeds) == 1:
            # As it was run.
            own = next(r for r in row.records if r.seed == seeds[0])
            texts.append('\n'.join(own.commands))
            continue
        lines = '\n'.join(f'    {line}' for line in shape)
        listed = ' '.join(map(str, seeds))
        texts.append(f'for seed in {listed}; do\n{lines}\ndone')
    return texts


def _without_seed(command: str, seed: int | None) -> str:
    if seed is None:
        return command
    for before in ('randomness.seed=', '/seed_'):
        command = re.sub(
            rf'(?<={re.escape(before)}){seed}(?=\D|$)', '$seed', command
        )
    return command
