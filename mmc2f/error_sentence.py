"""Which errors a user can mend, and how they are told in one sentence."""

import os
from pathlib import Path
from traceback import extract_tb

__all__ = ['TRACEBACK', 'error_sentence']

PACKAGE = str(Path(__file__).parent)
#: Environment variable; set to anything, errors come with their traceback.
TRACEBACK = 'MMC2F_TRACEBACK'
#: Errors that can be those of a user. Others are always a developer's.
KINDS = (FloatingPointError, ImportError, OSError, ValueError)


def error_sentence(error: Exception) -> str | None:
    """What to tell the user; ``None`` where a developer is asked.

    A user is told errors of files, and those of :data:`KINDS` that this
    package raises itself.
    """
    if not isinstance(error, KINDS):
        return None
    text = str(error)
    # A worker of a data loader sends its error with the traceback as text.
    if 'Original Traceback' in text:
        name, colon, rest = text.strip().splitlines()[-1].partition(': ')
        return rest if colon and name.isidentifier() else None
    raised_in = extract_tb(error.__traceback__)[-1].filename
    is_ours = raised_in.startswith(PACKAGE + os.sep)
    return text if is_ours or isinstance(error, OSError) else None
