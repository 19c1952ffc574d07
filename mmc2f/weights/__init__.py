"""Reading weights that somebody else may have made."""

from .guard import guard_host
from .read import read_checkpoint
from .trust import UntrustedFileError, files_are_trusted, trust_files

__all__ = [
    'UntrustedFileError',
    'files_are_trusted',
    'guard_host',
    'read_checkpoint',
    'trust_files',
]
