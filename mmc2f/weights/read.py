"""Reads checkpoints without running code from them."""

import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from mmc2f.weights.trust import UntrustedFileError, files_are_trusted

__all__ = ['read_checkpoint', 'read_stream']

MapLocation = str | torch.device | dict | Callable | None

SAFETENSORS = '.safetensors'
#: What a file of torch.save begins with: a zip archive, or a pickle.
ZIP = b'PK\x03\x04'
BEGINNINGS = (ZIP, b'\x80')
#: How PyTorch names what it refuses.
FORBIDDEN = re.compile(r'GLOBAL ([\w.]+)')


def read_checkpoint(
    path: str | os.PathLike, map_location: MapLocation = None
) -> dict[str, Any]:
    """Read a file of ``torch.save``, or a safetensors file.

    Of the former only tensors and plain values are taken, as by
    ``torch.load(..., weights_only=True)`` without anything added to its
    allowlist: the one that MMEngine adds has ``getattr``, with which a pickle
    reaches what it likes. After
    :func:`~mmc2f.weights.trust_files` every file is read.

    Args:
        path: File; ``.safetensors`` tells the format.
        map_location: As for ``torch.load``.

    Returns:
        What was saved; of a safetensors file
        ``dict(state_dict={name: tensor})``. ``meta.config`` is left out, for
        MMEngine runs it as a program when it resumes, unless files are
        trusted.

    Raises:
        FileNotFoundError: There is no such file.
        UntrustedFileError: It could run code.
        ValueError: It is damaged, or no checkpoint.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    if path.suffix == SAFETENSORS:
        return {'state_dict': _read_safetensors(path, map_location)}
    with path.open('rb') as stream:
        return read_stream(stream, path, map_location)


def read_stream(
    stream: IO[bytes], name: object, map_location: MapLocation = None
) -> dict[str, Any]:
    """As :func:`read_checkpoint`, from an open file.

    Args:
        stream: What was saved by ``torch.save``, at its beginning.
        name: For messages.
        map_location: As for ``torch.load``.
    """
    beginning = stream.read(4)
    stream.seek(0)
    if not beginning.startswith(BEGINNINGS):
        what = 'no checkpoint' if beginning else 'empty'
        raise ValueError(f'checkpoint {name} is {what}')
    if beginning == ZIP:
        _check_sums(stream, name)
    trusted = files_are_trusted()
    try:
        content = torch.load(
            stream, map_location=map_location, weights_only=not trusted
        )
    except OSError:
        raise
    # Damaged bytes make the unpickler raise errors of any type.
    except Exception as error:
        if not trusted and _is_refusal(error):
            raise UntrustedFileError.about(
                name, _forbidden_part(error)
            ) from error
        raise ValueError(
            f'checkpoint {name} is damaged, or was not written to its end '
            f'({_first_sentence(error)})'
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'checkpoint {name} has no weights by name, but a '
            f'{type(content).__name__}'
        )
    meta = content.get('meta')
    if not trusted and isinstance(meta, dict):
        meta.pop('config', None)
    return content


def _check_sums(stream: IO[bytes], name: object) -> None:
    """Compare the checksums of an archive, which PyTorch does not."""
    try:
        with zipfile.ZipFile(stream) as archive:
            damaged = archive.testzip()
    # Damage makes zipfile raise errors of any type.
    except Exception as error:
        raise ValueError(
            f'checkpoint {name} is damaged, or was not written to its end '
            f'({_first_sentence(error)})'
        ) from error
    if damaged is not None:
        raise ValueError(
            f'checkpoint {name} is damaged: the checksum of {damaged} in it '
            'is another'
        )
    stream.seek(0)


def _read_safetensors(
    path: Path, map_location: MapLocation
) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    # Those that name no device are about devices of the past.
    named = isinstance(map_location, str | torch.device)
    try:
        return load_file(path, device=str(map_location) if named else 'cpu')
    except SafetensorError as error:
        raise ValueError(
            f'checkpoint {path} is not a whole safetensors file ({error})'
        ) from error


def _is_refusal(error: Exception) -> bool:
    # Archives of TorchScript and of before PyTorch 0.1.10 are RuntimeErrors.
    is_other_kind = 'weights_only=True' in str(error)
    return isinstance(error, pickle.UnpicklingError) or is_other_kind


def _forbidden_part(error: Exception) -> str:
    found = FORBIDDEN.search(str(error))
    what = f'{found[1]} beside' if found else 'more than'
    return f'it holds {what} tensors and plain values'


def _first_sentence(error: Exception) -> str:
    lines = str(error).split('. ')[0].splitlines()
    return lines[0] if lines else type(error).__name__
