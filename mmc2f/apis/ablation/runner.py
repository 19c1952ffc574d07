"""Runs what a study still lacks, as processes of our own tools."""

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mmc2f.apis.ablation.finished_run import logged_metrics
from mmc2f.apis.ablation.jobs import Evaluation, Training, shell
from mmc2f.apis.ablation.record import (
    Record,
    available_cores,
    code_version,
    logged_minutes,
    machine,
)
from mmc2f.files import write_bytes

__all__ = ['RunFailed', 'finished_test', 'is_trained', 'run_all']

TRAINED, TESTED = 'trained.json', 'tested.json'
SHOWN = 25  # lines of a failed program


class RunFailed(RuntimeError):
    """A tool ended with an error; the message has its last lines."""


def is_trained(training: Training) -> bool:
    """Whether a training is over."""
    return _trained(training) is not None


def finished_test(test: Evaluation) -> Record | None:
    """The record of a test that is over."""
    record = Record.load(test.folder / TESTED, test.digest)
    return record if test.predictions.is_file() else None


def run_all(
    tests: Sequence[Evaluation], tools: Path, jobs: int = 1
) -> dict[Evaluation, RunFailed]:
    """Train and test what is not done, each training with its tests.

    A training that began goes on from its last checkpoint. One that fails
    does not stop the others.

    Args:
        tests: Repeated ones are run once.
        tools: Folder with ``train.py`` and ``test.py``.
        jobs: How many trainings at a time. Each gets its share of the cores
            as ``OMP_NUM_THREADS``, unless the environment says another.

    Returns:
        What failed, and how.
    """
    by_training: dict[Training, list[Evaluation]] = {}
    for test in dict.fromkeys(tests):
        by_training.setdefault(test.training, []).append(test)
    environment = _environment(jobs)
    failed: dict[Evaluation, RunFailed] = {}

    def work(item: tuple[Training, list[Evaluation]]) -> None:
        training, own = item
        with _locked(training.folder):
            for test in own:
                try:
                    _train(training, tools, environment)
                    _test(test, tools, environment)
                except RunFailed as error:
                    failed[test] = error
                    print(f'failed: {error}', flush=True)
                if not is_trained(training):
                    failed.update(dict.fromkeys(own, failed[test]))
                    return

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, by_training.items()))
    return failed


def _train(
    training: Training, tools: Path, environment: Mapping[str, str]
) -> None:
    if is_trained(training):
        return
    resume = (training.folder / 'last_checkpoint').is_file()
    command = training.command(tools, resume)
    _call(command, training.folder / 'train.out', environment)
    Record(
        digest=training.digest,
        seed=training.seed,
        # Without --resume: the training as a whole.
        commands=(shell(training.command(tools)),),
        machine=_machine(environment),
        code=code_version(),
        minutes=logged_minutes(training.folder),
        metrics={},
    ).save(training.folder / TRAINED)


def _test(
    test: Evaluation, tools: Path, environment: Mapping[str, str]
) -> None:
    if finished_test(test) is not None:
        return
    training = test.training
    try:
        checkpoint = training.checkpoint
    except (OSError, ValueError) as error:
        raise RunFailed(str(error)) from error
    commands = test.commands(tools, checkpoint)
    for command in commands:
        _call(command, test.folder / 'test.out', environment)
    drawn = Path(checkpoint).with_suffix('.rerank.png')
    if test.tune and drawn.is_file():
        write_bytes(test.curves, drawn.read_bytes())
    trained = _trained(training)
    # A training without a record was run before its tests.
    assert trained is not None
    Record(
        digest=test.digest,
        seed=training.seed,
        commands=(
            *trained.commands,
            *(shell(command, training.folder) for command in commands),
        ),
        machine=trained.machine,
        code=trained.code,
        minutes=trained.minutes + logged_minutes(test.folder),
        metrics=logged_metrics(test.folder),
    ).save(test.folder / TESTED)


def _trained(training: Training) -> Record | None:
    return Record.load(training.folder / TRAINED, training.digest)


def _call(
    command: Sequence[str], out: Path, environment: Mapping[str, str]
) -> None:
    print(shell(command), flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open('a', encoding='utf-8') as file:
        done = subprocess.run(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment
        )
    if done.returncode:
        lines = out.read_text(encoding='utf-8').splitlines()[-SHOWN:]
        raise RunFailed('\n'.join([shell(command), *lines, f'(in {out})']))


def _environment(jobs: int) -> dict[str, str]:
    environment = dict(os.environ)
    if jobs > 1:
        share = max(1, available_cores() // jobs)
        environment.setdefault('OMP_NUM_THREADS', str(share))
    return environment


def _machine(environment: Mapping[str, str]) -> str:
    threads = environment.get('OMP_NUM_THREADS', '')
    return machine(int(threads) if threads.isdigit() else None)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait for another study that runs the same training."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'lock').open('w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
