"""Puts the safe reader into the places where MMEngine reads files.

MMEngine tries a safe load and, where that fails, runs the file after one
line in the log. What it reads from a web address it runs at once.
"""

import os
import posixpath
from typing import Any
from urllib.parse import urlparse

import torch
import yaml
from mmengine.fileio import PickleHandler, YamlHandler, register_handler
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as host

from mmc2f.weights.read import MapLocation, read_checkpoint, read_stream
from mmc2f.weights.trust import UntrustedFileError, files_are_trusted

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader

__all__ = ['guard_host']


def guard_host() -> None:
    """Make MMEngine refuse files that could run code.

    From then on :func:`~mmc2f.weights.read_checkpoint` is behind every way
    to a checkpoint: ``load_checkpoint``, ``Runner.load_checkpoint`` and
    ``resume``, ``init_cfg=dict(type='Pretrained')``, mmpretrain's
    ``get_model`` and inferencers; from a file, a web address,
    ``torchvision://``, ``openmmlab://``, ``mmcls://`` and object stores. YAML
    is read without Python objects, and pickled annotations are refused.

    Importing :mod:`mmc2f.registry` does this, so that it holds for whoever
    names a part of this package in a config. Doing it twice changes nothing.
    """
    CheckpointLoader.register_scheme('', load_from_local, force=True)
    # The other schemes end in these two.
    host.load_url = load_from_url
    host._safe_torch_load = _load_stream_or_file
    register_handler(['yaml', 'yml'])(SafeYamlHandler)
    register_handler(['pickle', 'pkl'])(TrustedPickleHandler)


def load_from_local(
    filename: str, map_location: MapLocation = None
) -> dict[str, Any]:
    """MMEngine's scheme of plain paths; the log has its name."""
    return read_checkpoint(filename, map_location)


def load_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: MapLocation = None,
    progress: bool = True,
    **_,
) -> dict[str, Any]:
    """Download a checkpoint, once, and read it.

    Args:
        url: Address; its last part names the file.
        model_dir: Where to keep it; PyTorch's cache where not given.
        map_location: As for ``torch.load``.
        progress: Show how far the download is.
    """
    folder = model_dir or os.path.join(torch.hub.get_dir(), 'checkpoints')
    os.makedirs(folder, exist_ok=True)
    file = os.path.join(folder, posixpath.basename(urlparse(url).path))
    if not os.path.exists(file):
        torch.hub.download_url_to_file(url, file, progress=progress)
    return read_checkpoint(file, map_location)


def _load_stream_or_file(
    file: Any, map_location: MapLocation = None, **_
) -> dict[str, Any]:
    if hasattr(file, 'read'):
        return read_stream(file, 'from an object store', map_location)
    return read_checkpoint(file, map_location)


class _PlainLoader(SafeLoader):
    """Plain values, and the tuples of a config that MMEngine has written."""


_PlainLoader.add_constructor(
    'tag:yaml.org,2002:python/tuple',
    lambda loader, node: tuple(loader.construct_sequence(node, deep=True)),
)


class SafeYamlHandler(YamlHandler):
    """YAML of plain values; MMEngine's own makes any Python object."""

    def load_from_fileobj(self, file, **kwargs):
        if not files_are_trusted():
            kwargs['Loader'] = _PlainLoader
        try:
            return super().load_from_fileobj(file, **kwargs)
        except yaml.constructor.ConstructorError as error:
            if files_are_trusted():
                raise
            raise UntrustedFileError.about(
                'the YAML file', error.problem
            ) from error


class TrustedPickleHandler(PickleHandler):
    """Pickles, which data sets may have annotations in, if trusted."""

    def load_from_fileobj(self, file, **kwargs):
        if not files_are_trusted():
            raise UntrustedFileError.about('the file', 'it is a pickle')
        return super().load_from_fileobj(file, **kwargs)
