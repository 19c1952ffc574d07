"""Pages that a runner logs at its start, kept off the screen."""

import logging
import os

__all__ = ['keep_pages_in_file']

#: Environment variable; set to anything, all of the log is on the screen.
VERBOSE = 'MMC2F_VERBOSE'
#: How the pages begin: versions and build flags, the whole config, and the
#: list of hooks. They are dozens of lines each, and the same every time.
PAGES = (
    '\n' + '-' * 60 + '\nSystem environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
)


class _NoPages(logging.Filter):
    """Lets pass what is no page."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(PAGES)


def keep_pages_in_file(logger: logging.Logger) -> None:
    """Show the pages in the log file alone.

    Where there is no file, or ``MMC2F_VERBOSE`` is set, nothing changes.

    Args:
        logger: Of a runner.
    """
    files = [h for h in logger.handlers if _is_file(h)]
    if not files or os.environ.get(VERBOSE):
        return
    for handler in logger.handlers:
        if not _is_file(handler):
            handler.addFilter(_NoPages())


def _is_file(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.FileHandler)
