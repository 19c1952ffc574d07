"""Figures of a study's rows, from the records of their runs."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mmc2f.apis.ablation.finished_run import read_finished
from mmc2f.apis.ablation.jobs import jobs_of
from mmc2f.apis.ablation.predictions import correct_answers
from mmc2f.apis.ablation.record import Record
from mmc2f.apis.ablation.runner import finished_test
from mmc2f.apis.ablation.study import Row, Study
from mmc2f.evaluation.functional import PairedGain, paired_bootstrap

__all__ = ['RowResult', 'StudyResult', 'collect']


@dataclass(frozen=True)
class RowResult:
    """What is known of a row so far.

    Args:
        row: The row.
        records: Of the seeds that are done.
        values: The measure of each, in percent.
        images: Names of the test images; of a metric ``None``.
        correct: ``(S, N)`` bool, whether seed s answers image i right.
        reference: Name of the row that the gain is over.
        gain: Over the reference, where both have a run on the same images.
    """

    row: Row
    records: tuple[Record, ...]
    values: tuple[float, ...]
    images: tuple[str, ...] | None = None
    correct: Tensor | None = None
    reference: str | None = None
    gain: PairedGain | None = None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return sum(self.values) / len(self.values)

    @property
    def planned(self) -> int:
        """How many seeds it will have."""
        return len(self.row.work_dir or self.row.seeds)


@dataclass(frozen=True)
class StudyResult:
    """All rows of a study, in order."""

    study: Study
    rows: tuple[RowResult, ...]

    def groups(self) -> dict[str, list[RowResult]]:
        """Results of each group, in the order of the file."""
        result: dict[str, list[RowResult]] = {}
        for row in self.rows:
            result.setdefault(row.row.group, []).append(row)
        return result


def collect(study: Study, root: Path) -> StudyResult:
    """Read what has been run.

    Args:
        study: The study.
        root: Folder that holds its trainings.

    Raises:
        ValueError: A file of predictions or a finished run lacks something,
            or the images of a row and its reference differ.
    """
    alone: dict[tuple[str, str], RowResult] = {}
    for row in study.rows:
        alone[row.key] = _alone(study, row, root)
    compared = []
    for row in study.rows:
        reference = study.reference_of(row)
        compared.append(
            _compared(
                alone[row.key],
                None if reference is None else alone[reference.key],
            )
        )
    return StudyResult(study, tuple(compared))


def _alone(study: Study, row: Row, root: Path) -> RowResult:
    try:
        return _measured(row, _runs(study, row, root))
    except ValueError as error:
        raise ValueError(f'row {row.name!r}: {error}') from error


def _measured(row: Row, runs: list[tuple[Record, Path]]) -> RowResult:
    records = tuple(record for record, _ in runs)
    if row.is_metric:
        values = tuple(_metric(record, row.measure) for record in records)
        return RowResult(row, records, values)
    answers = [correct_answers(p, row.measure, row.view) for _, p in runs]
    if not answers:
        return RowResult(row, (), ())
    images = answers[0][0]
    for (other, _), (_, path) in zip(answers, runs, strict=True):
        if other != images:
            raise ValueError(f'{path} has other images than the first seed')
    correct = torch.stack([c for _, c in answers])
    values = tuple((100 * correct.double().mean(dim=1)).tolist())
    return RowResult(row, records, values, tuple(images), correct)


def _runs(study: Study, row: Row, root: Path) -> list[tuple[Record, Path]]:
    """Record and predictions of each seed that is done."""
    if row.work_dir:
        return [
            (read_finished(folder, row.predictions), folder / row.predictions)
            for folder in row.work_dir
        ]
    tests = jobs_of(study, row, root)
    runs = [(finished_test(test), test.predictions) for test in tests]
    return [(record, path) for record, path in runs if record is not None]


def _metric(record: Record, name: str) -> float:
    if name not in record.metrics:
        raise ValueError(
            f'the test has no metric {name}, but {sorted(record.metrics)}'
        )
    return record.metrics[name]


def _compared(result: RowResult, reference: RowResult | None) -> RowResult:
    if reference is None:
        return result
    gain = None
    if result.values and reference.values:
        gain = _gain(result, reference)
    return replace(result, reference=reference.row.name, gain=gain)


def _gain(result: RowResult, reference: RowResult) -> PairedGain | None:
    if result.correct is None or reference.correct is None:
        return None
    if result.images != reference.images:
        raise ValueError(
            f'row {result.row.name!r} and its reference '
            f'{reference.row.name!r} were tested on other images: give it '
            'reference=None, or test both alike'
        )
    return paired_bootstrap(reference.correct, result.correct)
