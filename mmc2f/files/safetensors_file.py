"""Safetensors files that are whole, with a digest of all that they hold.

The digest tells whether a file was changed since it was written. It is no
signature: who changes the file can write another.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmc2f.files.whole_file import written_whole

__all__ = [
    'DIGEST',
    'hash_tensor',
    'hash_tensors',
    'read_tensors',
    'write_tensors',
]

#: Name of the digest in the metadata. Files of older versions have none.
DIGEST = 'digest'


def write_tensors(
    path: str | os.PathLike,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
) -> str:
    """Write a whole file, see :func:`mmc2f.files.written_whole`.

    Args:
        path: The file.
        tensors: By name, of any device.
        metadata: Texts by name; the digest is added.

    Returns:
        The digest.

    Raises:
        OSError: The file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: t.contiguous().cpu() for name, t in tensors.items()}
    metadata = {**metadata, DIGEST: hash_tensors(tensors, metadata)}
    with written_whole(path) as part:
        try:
            save_file(tensors, part, metadata=metadata)
        except SafetensorError as error:
            # Of a full disk, for instance.
            raise OSError(str(error)) from error
    return metadata[DIGEST]


def read_tensors(
    path: str | os.PathLike,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file, whose digest is not looked at.

    Raises:
        ValueError: It is no whole safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='pt') as file:
            names = file.keys()
            return {n: file.get_tensor(n) for n in names}, (
                file.metadata() or {}
            )
    except SafetensorError as error:
        raise ValueError(
            f'{path} is no whole safetensors file: {error}'
        ) from error


def hash_tensors(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> str:
    """SHA-256 in hex of tensors and metadata, but for the digest itself."""
    digest = hashlib.sha256()
    for name, text in sorted(metadata.items()):
        if name != DIGEST:
            digest.update(json.dumps([name, text]).encode())
    for name, tensor in sorted(tensors.items()):
        hash_tensor(digest, name, tensor)
    return digest.hexdigest()


def hash_tensor(digest: Any, name: str, value: Tensor) -> None:
    """Add name, type, shape and bytes of a tensor to a hash of hashlib."""
    value = value.detach().cpu().contiguous()
    head = f'{name} {value.dtype} {tuple(value.shape)}\n'
    digest.update(head.encode())
    # Bytes, since numpy has no bfloat16.
    digest.update(value.reshape(-1).view(torch.uint8).numpy())
