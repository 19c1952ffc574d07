"""The trainings and tests behind the rows of a study."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmc2f.apis.ablation.overrides import (
    cfg_options,
    config_digest,
    flatten,
    merged_config,
    training_part,
)
from mmc2f.apis.ablation.study import Row, Study
from mmc2f.files.noted_checkpoint import noted_checkpoint

__all__ = ['Evaluation', 'Training', 'jobs_of', 'shell']

PREDICTIONS, CURVES = 'predictions.jsonl', 'tuning.png'


@dataclass(frozen=True)
class Training:
    """One run of ``tools/train.py``.

    Its folder is named by the config, a digest of all values that decide the
    training, and the seed. So a run is found again by what it is, whichever
    row or study asks for it, and never mistaken for another.
    """

    config: Path
    options: tuple[str, ...]
    arguments: tuple[str, ...]
    seed: int
    digest: str
    root: Path

    @property
    def folder(self) -> Path:
        """Work dir."""
        name = f'{self.config.stem}-{self.digest}'
        return self.root / name / f'seed_{self.seed}'

    @property
    def checkpoint(self) -> str:
        """The last one, as its hook noted down.

        Raises:
            FileNotFoundError, ValueError: See :func:`noted_checkpoint`.
        """
        return noted_checkpoint(self.folder)

    def command(self, tools: Path, resume: bool = False) -> list[str]:
        """What to run."""
        return [
            *(sys.executable, str(tools / 'train.py'), str(self.config)),
            *('--work-dir', str(self.folder), *self.arguments),
            *(['--resume'] if resume else []),
            *('--cfg-options', f'randomness.seed={self.seed}', *self.options),
        ]


@dataclass(frozen=True)
class Evaluation:
    """One run of ``tools/test.py`` on the last checkpoint of a training."""

    training: Training
    options: tuple[str, ...]
    arguments: tuple[str, ...]
    tune: bool
    digest: str

    @property
    def folder(self) -> Path:
        """Work dir, inside that of the training."""
        return self.training.folder / f'test-{self.digest}'

    @property
    def predictions(self) -> Path:
        """What ``--out`` writes."""
        return self.folder / PREDICTIONS

    @property
    def curves(self) -> Path:
        """What the tuning has drawn."""
        return self.folder / CURVES

    def commands(self, tools: Path, checkpoint: str) -> list[list[str]]:
        """What to run, one after another."""
        config = str(self.training.config)
        options = f'randomness.seed={self.training.seed}', *self.options
        test = [
            *(sys.executable, str(tools / 'test.py'), config, checkpoint),
            *('--work-dir', str(self.folder)),
            *('--out', str(self.predictions), *self.arguments),
            *('--cfg-options', *options),
        ]
        if not self.tune:
            return [test]
        tune = [
            *(sys.executable, str(tools / 'tune_rerank.py'), config),
            *(checkpoint, '--cfg-options', *options),
        ]
        return [tune, test]


def jobs_of(study: Study, row: Row, root: Path) -> list[Evaluation]:
    """The tests of a row, one a seed; none of a row that is read only.

    Raises:
        ValueError: An override does not fit the config.
    """
    if row.config is None:
        return []
    try:
        return [_job(row, row.config, seed, root) for seed in row.seeds]
    except ValueError as error:
        raise ValueError(f'{study.name}, row {row.name!r}: {error}') from error


def _job(row: Row, config: Path, seed: int, root: Path) -> Evaluation:
    cfg, changed = merged_config(config, row.overrides, False)
    training = Training(
        config=config,
        options=tuple(cfg_options(changed)),
        arguments=tuple(row.train_options),
        seed=seed,
        digest=config_digest(training_part(cfg), row.train_options),
        root=root,
    )
    both = {**flatten(row.overrides), **flatten(row.test_overrides)}
    cfg, changed = merged_config(config, both, False)
    return Evaluation(
        training=training,
        options=tuple(cfg_options(changed)),
        arguments=tuple(row.test_options),
        tune=row.tune,
        digest=config_digest(cfg.to_dict(), row.test_options, row.tune),
    )


def shell(command: Sequence[str], checkpoint_of: Path | None = None) -> str:
    """A command as one types it in the current folder.

    Args:
        command: Interpreter, program and arguments. The program is one of
            our tools, wherever they are installed.
        checkpoint_of: Training folder whose last checkpoint is named through
            its note, so that the line does for each seed.
    """
    here = f'{Path.cwd()}/'
    program = f'tools/{Path(command[1]).name}'
    words = ['python', program, *command[2:]]
    texts = [shlex.quote(word.removeprefix(here)) for word in words]
    if checkpoint_of is not None:
        note = str(checkpoint_of / 'last_checkpoint').removeprefix(here)
        texts[3] = f'"$(cat {shlex.quote(note)})"'
    return ' '.join(texts)
