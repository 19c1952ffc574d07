"""What a study file says: which trainings, and what is compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mmengine.config import Config

__all__ = ['MEASURES', 'Row', 'Study', 'load_study']

#: Answers of a test that can be compared image by image.
MEASURES = ('coarse', 'retrieval', 'reranked')
#: Shared by all rows that say nothing else. The test images are looked at
#: once, when training is over.
DEFAULTS = dict(seeds=(0,), train_options=('--no-validate',))


@dataclass(frozen=True)
class Row:
    """One line of a table: one measure of one model, over its seeds.

    Rows of equal ``config``, ``overrides``, ``train_options`` and seed share
    one training, also across studies; rows that also test alike share the
    test.

    Args:
        name: Unique in the group.
        config: File, relative to that of the study.
        group: Table that the row belongs to, a data set say.
        overrides: Values of the config to change, nested or dotted, see
            :func:`merged_config`.
        test_overrides: More of them, for the test alone.
        seeds: One training each.
        measure: Of :data:`MEASURES`, or the name of any metric of the test,
            such as ``'accuracy/top1'``. A metric has no answers of single
            images, and so no interval.
        view: Only answers to images at this resolution, for tests of
            several.
        reference: Name of the row that the gain is over: the one above in
            its group where ``'above'``, none where ``None``.
        tune: Choose re-ranking on held-out images before the test, with
            ``tools/tune_rerank.py``.
        train_options, test_options: Further arguments of the tools.
        work_dir: Finished runs to read, one a seed, instead of training.
        predictions: Name of their files of predictions.
    """

    name: str
    config: Path | None = None
    group: str = ''
    overrides: Mapping[str, Any] = field(default_factory=dict)
    test_overrides: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    measure: str = 'coarse'
    view: str | None = None
    reference: str | None = 'above'
    tune: bool = False
    train_options: tuple[str, ...] = ()
    test_options: tuple[str, ...] = ()
    work_dir: tuple[Path, ...] = ()
    predictions: str = 'predictions.jsonl'

    @property
    def key(self) -> tuple[str, str]:
        """Unique in the study."""
        return self.group, self.name

    @property
    def is_metric(self) -> bool:
        """Whether the measure is a figure of the whole test."""
        return '/' in self.measure


@dataclass(frozen=True)
class Study:
    """Rows in order, those of a group beside each other."""

    name: str
    title: str
    rows: tuple[Row, ...]

    def groups(self) -> dict[str, list[Row]]:
        """Rows of each group, in the order of the file."""
        result: dict[str, list[Row]] = {}
        for row in self.rows:
            result.setdefault(row.group, []).append(row)
        return result

    def reference_of(self, row: Row) -> Row | None:
        """The row that ``row`` is compared with, ``None`` for the first."""
        rows = self.groups()[row.group]
        if row.reference == 'above':
            place = rows.index(row)
            return rows[place - 1] if place else None
        return next((r for r in rows if r.name == row.reference), None)


def _read(path: Path) -> Config:
    try:
        return Config.fromfile(path)
    except OSError:
        raise
    # It is a program.
    except Exception as error:
        reason = ' '.join(str(error).split())
        raise ValueError(
            f'study {path} cannot be read: {type(error).__name__}: {reason}'
        ) from error


def load_study(path: str | Path) -> Study:
    """Read a study file.

    It is a config of MMEngine with ``title`` and ``rows``, a list of dicts
    with the arguments of :class:`Row`; an argument at the top of the file is
    that of all rows that do not give it. Other names are the file's own.

    Raises:
        ValueError: Something is missing, unknown, or given twice, or a row
            refers to what is not there.
    """
    path = Path(path)
    content = _read(path)
    for name in ('title', 'rows'):
        if not content.get(name):
            raise ValueError(f'{path}: a study needs {name} = ...')
    arguments = {f.name for f in fields(Row)}
    shared = {k: content[k] for k in arguments if k in content}
    rows = []
    for index, given in enumerate(content.rows):
        where = f'{path}: row {given.get("name", index)!r}'
        unknown = sorted(set(given) - arguments)
        if unknown or 'name' not in given:
            what = f'unknown: {", ".join(unknown)}' if unknown else 'no name'
            raise ValueError(f'{where}: {what}; a row has {sorted(arguments)}')
        rows.append(_row({**DEFAULTS, **shared, **given}, path, where))
    study = Study(path.stem, content.title, tuple(rows))
    _check_names(study, path)
    return study


def _row(given: dict[str, Any], path: Path, where: str) -> Row:
    work_dirs = _tuple(given.pop('work_dir', ()))
    config = given.pop('config', None)
    if bool(work_dirs) == (config is not None):
        raise ValueError(f'{where}: give it a config, or a work_dir')
    if config is not None:
        config = path.parent.joinpath(config).resolve()
        if not config.is_file():
            raise ValueError(f'{where}: no config {config}')
    for name in ('seeds', 'train_options', 'test_options'):
        given[name] = _tuple(given.get(name, ()))
    row = Row(
        **given,
        config=config,
        work_dir=tuple(Path(folder) for folder in work_dirs),
    )
    if row.measure not in MEASURES and not row.is_metric:
        raise ValueError(
            f'{where}: measure is one of {MEASURES} or the name of a metric '
            f'with its prefix, not {row.measure!r}'
        )
    if not row.seeds:
        raise ValueError(f'{where}: no seeds')
    return row


def _tuple(value: Any) -> tuple:
    is_many = isinstance(value, Sequence) and not isinstance(value, str)
    return tuple(value) if is_many else (value,)


def _check_names(study: Study, path: Path) -> None:
    for group, rows in study.groups().items():
        names = [row.name for row in rows]
        for row in rows:
            where = f'{path}: row {row.name!r} of group {group!r}'
            if names.count(row.name) > 1:
                raise ValueError(f'{where} is there twice')
            if row.reference not in (None, 'above', *names):
                raise ValueError(f'{where} has no reference {row.reference!r}')
