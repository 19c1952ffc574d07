"""What a command shows: its answers, and not what its libraries say."""

import io
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mmc2f.host import check_host, find_host

__all__ = [
    'LOG',
    'SETTINGS',
    'Answers',
    'divert_output',
    'divert_warnings',
    'quiet_host',
]

LOGGER = 'mmc2f command line'


@dataclass
class Settings:
    """Options that every command has.

    Attributes:
        verbose: What goes to the log is shown on standard error too.
        debug: Errors keep their traceback.
    """

    verbose: bool = False
    debug: bool = False


class Log:
    """The log of the last command, ``mmc2f/mmc2f.log`` in the state folder.

    That is ``XDG_STATE_HOME``, by default ``~/.local/state``. Where it cannot
    be written, there is no log.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self._file: TextIO | None = None

    def start(self, words: Sequence[str]) -> None:
        """Begin anew, with the words of a command line."""
        self.close()
        with suppress(OSError, RuntimeError):  # a user without a home
            state = os.environ.get('XDG_STATE_HOME')
            folder = Path(state) if state else Path.home() / '.local' / 'state'
            path = folder / 'mmc2f' / 'mmc2f.log'
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open('w', encoding='utf-8')
            self.path = path
        date = time.strftime('%Y-%m-%d %H:%M:%S')
        self.write(f'{date} mmc2f {" ".join(words)}\n')

    def write(self, text: str) -> None:
        """Add a text, and have it in the file at once."""
        if self._file is not None:
            with suppress(OSError):  # a full disk
                self._file.write(text)
                self._file.flush()

    def add_traceback(self, error: BaseException) -> None:
        """Add the traceback of an error."""
        self.write(''.join(traceback.format_exception(error)))

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self.path = self._file = None


SETTINGS, LOG = Settings(), Log()


class _Diverted(io.TextIOBase):
    """Standard output that goes to the log."""

    def write(self, text: str) -> int:
        LOG.write(text)
        if SETTINGS.verbose:
            sys.stderr.write(text)
        return len(text)


class Answers:
    """The standard output of a command, for its answers alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, line: str) -> None:
        """Write a line, and have it read at once."""
        self._stream.write(line + '\n')
        self._stream.flush()

    def note(self, line: str) -> None:
        """Write a line to standard error, which no program reads."""
        sys.stderr.write(line + '\n')
        sys.stderr.flush()


@contextmanager
def divert_output() -> Iterator[Answers]:
    """Send what other code prints, and Python's warnings, to the log.

    Yields:
        What the command itself answers with.
    """
    answers = Answers(sys.stdout)
    with redirect_stdout(_Diverted()), divert_warnings():
        yield answers


@contextmanager
def divert_warnings() -> Iterator[None]:
    """Send Python's warnings to the log."""
    diverted = _Diverted()

    def show(*warning: Any, **_: Any) -> None:
        diverted.write(warnings.formatwarning(*warning[:4]))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextmanager
def quiet_host() -> Iterator[Answers]:
    """As :func:`divert_output`, for a command that needs the host.

    What the host logs goes to the log as well, and what it or this package
    warns of is shown on standard error.

    Raises:
        ImportError: The host is not usable; with the command that mends it.
    """
    check_host(find_host())
    with divert_output() as answers:
        import logging

        from mmengine.logging import MMLogger

        logger = MMLogger.get_instance(LOGGER, logger_name='mmc2f')
        warned = logging.StreamHandler(sys.stderr)
        warned.setFormatter(logging.Formatter('mmc2f: warning: %(message)s'))
        warned.setLevel(logging.WARNING)
        if not SETTINGS.verbose:  # which shows them already
            logger.handlers.append(warned)
        try:
            yield answers
        finally:
            MMLogger._instance_dict.pop(LOGGER, None)
