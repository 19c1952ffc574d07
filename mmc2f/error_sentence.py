"""Which errors a user can mend, and how they are told in one sentence."""

import errno
import os
import re
from pathlib import Path
from traceback import extract_tb

__all__ = ['TRACEBACK', 'error_sentence']

PACKAGE = str(Path(__file__).parent) + os.sep
#: Of MMEngine, which need not be imported to tell its errors.
HOST = f'{os.sep}mmengine{os.sep}'
OPTIMIZERS = f'{HOST}optim{os.sep}'
#: Environment variable; set to anything, errors come with their traceback.
TRACEBACK = 'MMC2F_TRACEBACK'
#: Errors that can be those of a user. Others are always a developer's, but
#: for what a config makes of MMEngine.
KINDS = (FloatingPointError, ImportError, OSError, ValueError)
ROOM = ': make room on the disk of the work dir'
#: How Python says that a config gives a part what it does not take.
ARGUMENTS = re.compile(
    r'\w+\(\) (got an unexpected keyword argument|missing \d+ required|'
    'got multiple values)'
)
#: How it says that MMEngine asks an unknown type for its arguments.
NO_TYPE = 'None is not a callable object'
UNREGISTERED = re.compile(r"'?(\S+ is not in the \S+ registry)\.")


def error_sentence(error: Exception) -> str | None:
    """What to tell the user; ``None`` where a developer is asked.

    A user is told errors of files, those of :data:`KINDS` that this package
    raises itself, and what a config asks for that there is not.

    Args:
        error: As it was caught, with its traceback.
    """
    text = str(error)
    files = [frame.filename for frame in extract_tb(error.__traceback__)]
    if isinstance(error, (KeyError, TypeError)):
        return _of_config(text, files)
    if not isinstance(error, KINDS):
        return None
    # A worker of a data loader sends its error with the traceback as text.
    if 'Original Traceback' in text:
        name, colon, rest = text.strip().splitlines()[-1].partition(': ')
        return rest if colon and name.isidentifier() else None
    if isinstance(error, OSError):
        return text + (ROOM if _is_of_full_disk(error) else '')
    return text if files[-1].startswith(PACKAGE) else None


def _is_of_full_disk(error: OSError) -> bool:
    """And it names no file, as a write to an open one."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return error.errno in full and error.filename is None


def _of_config(text: str, files: list[str]) -> str | None:
    """What is wrong with the config that MMEngine builds parts by."""
    found = UNREGISTERED.search(text)
    if found and HOST in files[-1]:
        return (
            f"{found[1]}: look at how the config's type is spelled, and "
            'whether it has the prefix of its package (mmc2f.)'
        )
    if text == NO_TYPE and any(OPTIMIZERS in name for name in files):
        return (
            'the type of optim_wrapper.optimizer is no known optimizer: look '
            'at how it is spelled'
        )
    if ARGUMENTS.search(text) and any(HOST in name for name in files):
        return f'the config does not fit: {text}'
    return None
