"""Whether files may run code: no, unless the user says so.

A pickle, and so a checkpoint, is a program: reading it can do anything that
its reader may do. One switch for the whole process says whether such files
are read. The tools set it by ``--trust``.
"""

import os

__all__ = [
    'UntrustedFileError',
    'files_are_trusted',
    'trust_files',
    'trust_files_of_this_process',
]

#: PyTorch's own switches. The first makes every ``torch.load`` of a process
#: and of those that it starts a safe one, whoever calls it.
ONLY_WEIGHTS = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
NOT_ONLY_WEIGHTS = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'

_trusted = False


class UntrustedFileError(ValueError):
    """A file could run code, and the user has not said that it may."""

    @classmethod
    def about(cls, path: object, reason: str) -> 'UntrustedFileError':
        """The error in a sentence, with what to do."""
        return cls(
            f'{path} is refused, since reading it could run code: {reason}; '
            'if you know who made it, allow this with --trust (in Python: '
            'mmc2f.weights.trust_files())'
        )


def trust_files(trusted: bool = True) -> None:
    """Let the files that are read from now on run code, or stop it again.

    Args:
        trusted: Whether whoever made them is trusted with this account.
    """
    global _trusted
    _trusted = trusted


def files_are_trusted() -> bool:
    """Whether files may run code."""
    return _trusted


def trust_files_of_this_process(trusted: bool) -> None:
    """:func:`trust_files` for a program that does nothing else.

    PyTorch itself is told too, for libraries that read files without
    MMEngine, such as timm's ``checkpoint_path``.
    """
    trust_files(trusted)
    os.environ.pop(NOT_ONLY_WEIGHTS, None)
    if trusted:
        os.environ.pop(ONLY_WEIGHTS, None)
    else:
        os.environ[ONLY_WEIGHTS] = '1'
