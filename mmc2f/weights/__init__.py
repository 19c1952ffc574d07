"""Weights from files: reading them safely, and into the model they fit."""

from .guard import guard_host
from .load import (
    Fit,
    MisfitError,
    load_checkpoint,
    load_weights,
    state_dict_of,
)
from .pretrained import PretrainedInit
from .read import read_checkpoint
from .trust import UntrustedFileError, files_are_trusted, trust_files

__all__ = [
    'Fit',
    'MisfitError',
    'PretrainedInit',
    'UntrustedFileError',
    'files_are_trusted',
    'guard_host',
    'load_checkpoint',
    'load_weights',
    'read_checkpoint',
    'state_dict_of',
    'trust_files',
]
