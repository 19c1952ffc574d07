"""Trainings and tests in processes of their own, which may be killed."""

import json
import os
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import torch
from moments import Moment, arm
from safetensors import safe_open
from safetensors.torch import load_file
from tiny_runs import write_run
from tool_helpers import load_tool

# Imported here, once, as each process is a fork.
import mmc2f.datasets
import mmc2f.engine
import mmc2f.evaluation
import mmc2f.models
import mmc2f.retrieval  # noqa: F401
from mmc2f.apis.command_line import run_tool

SECONDS = 1800
#: How a process ends by the kind of a moment, if not by SIGKILL.
ENDS = dict(stop=128 + signal.SIGTERM, full=1)
train, test = load_tool('train.py'), load_tool('test.py')


class Run:
    """A training and the test of its last checkpoint.

    Args:
        folder: For all that it writes.
        name: ``'ccfr'`` or ``'mlph'``.
        config: Of an earlier run to repeat.
    """

    def __init__(
        self, folder: Path, name: str, config: Path | None = None
    ) -> None:
        folder.mkdir(parents=True)
        self.folder, self.name = folder, name
        self.config = config or write_run(name, folder, clustered=True)
        self.work_dir = folder / 'work'
        self.done: Counter[str] = Counter()
        self._end = folder / 'end.txt'

    def train(self, moments: Iterable[Moment] = ()) -> None:
        """Train to the end, starting again after each moment."""
        args = str(self.config), '--work-dir', str(self.work_dir), '--resume'
        self._until_done(
            lambda: run_tool(lambda: train.main([*args])), moments
        )

    def test(self, moments: Iterable[Moment] = ()) -> None:
        """Test likewise."""
        checkpoint = (self.work_dir / 'last_checkpoint').read_text()
        args = [
            *(str(self.config), checkpoint, '--rerank'),
            *('--work-dir', str(self.folder / 'test')),
            *('--gallery', str(self.folder / 'gallery.safetensors')),
            *('--out', str(self.folder / 'predictions.jsonl')),
        ]

        def run() -> None:
            metrics = json.dumps(test.main(args))
            (self.folder / 'metrics.json').write_text(metrics)

        self._until_done(run, moments)

    def differences(self, other: 'Run') -> list[str]:
        """What is not as in another run."""
        mine, others = self._outcome(), other._outcome()
        return [
            f'{self.folder.name}: {what}'
            for what in sorted(mine.keys() | others.keys())
            if not _equal(mine.get(what), others.get(what))
        ]

    def _until_done(
        self, function: Callable[[], None], moments: Iterable[Moment]
    ) -> None:
        for moment in [*moments, None]:
            status = self._fork(function, moment)
            if status == 0:
                return
            expected = ENDS.get(moment.kind, -signal.SIGKILL) if moment else 0
            log = (self.folder / 'log.txt').read_text()[-3000:]
            if status != expected:
                raise RuntimeError(f'{moment} ended with {status}:\n{log}')
            if moment.kind == 'full':
                end = self._end.read_text()
                if 'epoch_' not in end or 'not written' not in end:
                    raise RuntimeError(f'a full disk ends with {end!r}')
            self.done[f'{self.name}: {moment.kind}'] += 1

    def _fork(
        self, function: Callable[[], None], moment: Moment | None
    ) -> int:
        """Exit code, or minus the signal, of a process that runs it."""
        process = os.fork()
        if not process:
            os._exit(self._run(function, moment))
        _, status = os.waitpid(process, 0)
        return os.waitstatus_to_exitcode(status)

    def _run(self, function: Callable[[], None], moment: Moment | None) -> int:
        """Exit code of a function, in the forked process."""
        signal.alarm(SECONDS)
        log = os.open(
            self.folder / 'log.txt', os.O_WRONLY | os.O_CREAT | os.O_APPEND
        )
        os.dup2(log, 1)
        os.dup2(log, 2)
        try:
            arm(moment)
            function()
        except SystemExit as end:
            if isinstance(end.code, int):
                return end.code
            # Not into the log, which is full as well.
            self._end.write_text(str(end.code))
            return 1
        except BaseException:
            traceback.print_exc()
            return 1
        return 0

    def _outcome(self) -> dict[str, object]:
        """All that must not depend on how often a run was killed."""
        checkpoint = torch.load(
            (self.work_dir / 'last_checkpoint').read_text()
        )
        names = sorted(path.name for path in self.work_dir.glob('*.pth'))
        outcome = {
            'weights': checkpoint['state_dict'],
            'optimizer': checkpoint['optimizer'],
            'schedules': checkpoint['param_schedulers'],
            'iterations': checkpoint['meta']['iter'],
            'checkpoints': names,
            'validations': _validations(self.work_dir),
        }
        written = (
            self.work_dir / 'label_tree.json',
            self.folder / 'metrics.json',
            self.folder / 'predictions.jsonl',
        )
        for path in written:
            outcome[path.name] = path.is_file() and path.read_bytes()
        gallery = self.folder / 'gallery.safetensors'
        # Its header is in the order of a hash table.
        with safe_open(gallery, 'pt') as file:
            outcome['facts of the gallery'] = file.metadata()
        outcome['gallery'] = load_file(gallery)
        return outcome


def _validations(work_dir: Path) -> dict[int, dict[str, float]]:
    """Measures by epoch; the last counts where one was repeated."""
    found = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            # A kill may have left half of a line.
            with suppress(ValueError):
                scalars = json.loads(line)
                if 'lr' not in scalars:
                    found[scalars.pop('step')] = {
                        name: value
                        for name, value in scalars.items()
                        if not name.endswith('time')
                    }
    return found


def _equal(one: object, other: object) -> bool:
    """Bit for bit, at any depth."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.equal(other)
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(_equal(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other
