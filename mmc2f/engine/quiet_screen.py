"""What a runner logs that is kept off the screen, and stays in the file."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ['keep_pages_in_file', 'keep_progress_in_file', 'screens']

#: Environment variable; set to anything, all of the log is on the screen.
VERBOSE = 'MMC2F_VERBOSE'
#: How the pages begin: versions and build flags, the whole config, and the
#: list of hooks. They are dozens of lines each, and the same every time.
PAGES = (
    '\n' + '-' * 60 + '\nSystem environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
)


#: A line of the progress of a training; of a validation all but the last,
#: which has what it measured. The name of the run comes with each epoch.
PROGRESS = re.compile(
    r'(Epoch|Iter)\((train\)|(val|test)\).* eta: )|Exp name: '
)


class _NoPages(logging.Filter):
    """Lets pass what is no page."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(PAGES)


class _NoProgress(logging.Filter):
    """Lets pass what is no line of progress."""

    def filter(self, record: logging.LogRecord) -> bool:
        return PROGRESS.match(record.getMessage()) is None


def keep_pages_in_file(logger: logging.Logger) -> None:
    """Show the pages in the log file alone.

    Where there is no file, or ``MMC2F_VERBOSE`` is set, nothing changes.

    Args:
        logger: Of a runner.
    """
    if _has_file(logger):
        for handler in screens(logger):
            handler.addFilter(_NoPages())


@contextmanager
def keep_progress_in_file(logger: logging.Logger) -> Iterator[None]:
    """Within it, show the lines of progress in the log file alone.

    Where there is no file, or ``MMC2F_VERBOSE`` is set, nothing changes.

    Args:
        logger: Of a runner.
    """
    silent = _NoProgress()
    handlers = screens(logger) if _has_file(logger) else []
    for handler in handlers:
        handler.addFilter(silent)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(silent)


def screens(logger: logging.Logger) -> list[logging.StreamHandler]:
    """The handlers of a logger that write to a screen."""
    return [
        handler
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler)
        and not isinstance(handler, logging.FileHandler)
    ]


def _has_file(logger: logging.Logger) -> bool:
    """Whether what is kept off the screen is to be found elsewhere."""
    files = (isinstance(h, logging.FileHandler) for h in logger.handlers)
    return any(files) and not os.environ.get(VERBOSE)
