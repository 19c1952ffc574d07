"""Reads runs that other hands have started, from what they left."""

import re
from pathlib import Path

from mmengine.config import Config

from mmc2f.apis.ablation.jobs import shell
from mmc2f.apis.ablation.record import Record, logged_minutes
from mmc2f.files import read_json_lines

__all__ = ['logged_metrics', 'read_finished']

WRITER = 'PredictionWriter'


def logged_metrics(work_dir: Path) -> dict[str, float]:
    """Metrics of the last test in a work dir.

    Raises:
        ValueError: There was none.
    """
    for folder in sorted(work_dir.glob('[0-9]*'), reverse=True):
        if metrics := _metrics(folder):
            return metrics
    raise ValueError(f'{work_dir}: no metrics of tools/test.py in there')


def read_finished(work_dir: Path, predictions: str) -> Record:
    """Record of a training and its test from their work dir.

    What was typed is not in there, but the whole config of each run is, so
    the commands name these. Neither is the processor.

    Args:
        work_dir: Of the training, and of the test.
        predictions: Name of the file that the test wrote.

    Raises:
        ValueError: There is no such file, no test that wrote it, or no
            training.
    """
    file = work_dir / predictions
    if not file.is_file():
        raise ValueError(
            f'{file}: no predictions; test with --work-dir {work_dir} '
            f'--out {file}'
        )
    test = _test_that_wrote(work_dir, file)
    training = _training(work_dir)
    tools = Path('tools')
    cfg = Config.fromfile(training)
    test_cfg = Config.fromfile(test)
    log = next(training.parents[1].glob('*.log'))
    return Record(
        digest='',
        seed=cfg.get('randomness', {}).get('seed'),
        commands=(
            shell(['', str(tools / 'train.py'), str(training.absolute())]),
            shell(
                [
                    *('', str(tools / 'test.py'), str(test.absolute())),
                    str(test_cfg.load_from),
                ]
            ),
        ),
        machine=_machine(log.read_text(encoding='utf-8')),
        code='of a version that was not noted',
        minutes=logged_minutes(work_dir),
        metrics=_metrics(test.parents[1]),
    )


def _metrics(folder: Path) -> dict[str, float]:
    """What the host keeps beside the log of a test; nothing of others."""
    path = folder / f'{folder.name}.json'
    if not path.is_file():
        return {}
    lines = list(read_json_lines(path))
    return lines[-1][1] if lines else {}


def _training(work_dir: Path) -> Path:
    """Config of the first run that trained."""
    for config in _configs(work_dir):
        log = next(config.parents[1].glob('*.log')).read_text(encoding='utf-8')
        if 'Epoch(train)' in log:
            return config
    raise ValueError(f'{work_dir}: no training in there')


def _test_that_wrote(work_dir: Path, file: Path) -> Path:
    """Config of the last test that wrote this file."""
    for config in reversed(_configs(work_dir)):
        evaluators = Config.fromfile(config).get('test_evaluator') or []
        if isinstance(evaluators, dict):
            evaluators = [evaluators]
        for part in evaluators:
            is_writer = part['type'].endswith(WRITER)
            if is_writer and Path(part['path']).resolve() == file.resolve():
                return config
    raise ValueError(f'{work_dir}: no test in there wrote {file}')


def _configs(work_dir: Path) -> list[Path]:
    """Of each run that left a log, in their order."""
    paths = sorted(work_dir.glob('[0-9]*/vis_data/config.py'))
    return [p for p in paths if any(p.parents[1].glob('*.log'))]


def _machine(log: str) -> str:
    """What the host writes of it."""
    found = re.findall(r'^ +(GPU \d[\d,]*|PyTorch): (.+)$', log, re.M)
    parts = [
        value if name.startswith('GPU') else f'torch {value}'
        for name, value in found
    ]
    return ', '.join(['processor not noted', *parts])
