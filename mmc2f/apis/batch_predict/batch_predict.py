"""From a list of images to a folder of parquet files with the answers."""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from mmc2f.apis.batch_predict.image_list import list_images
from mmc2f.apis.batch_predict.job import Job, JobSummary, PredictionSettings
from mmc2f.apis.batch_predict.ray_parts import RayOptions, predict_parts
from mmc2f.apis.work_dir_lock import lock_work_dir
from mmc2f.files.safetensors_file import DIGEST
from mmc2f.retrieval.fingerprint import hash_json

__all__ = ['batch_predict']

_BLOCK = 2**20


def batch_predict(
    source: str | os.PathLike,
    out: str | os.PathLike,
    settings: PredictionSettings,
    options: RayOptions = RayOptions(),  # noqa: B008 (frozen)
    column: str = 'image',
    root: str | os.PathLike = '',
    part_size: int = 1000,
) -> JobSummary:
    """Answer for each image of a list, in as many runs as it takes.

    Interrupted in any way, it goes on with the parts that are not finished
    when it is called again with the same arguments.

    Args:
        source, column: See :func:`list_images`. The list is read once, when
            the job begins.
        out: Folder of the :class:`Job`.
        settings: Of the predictions.
        options: Where Ray runs.
        root: What relative paths of images are relative to.
        part_size: Images in a file, and at most lost with a worker.

    Raises:
        FileNotFoundError: There is no such list, checkpoint or gallery.
        ValueError: ``out`` holds answers of other settings, or these are
            wrong.
        OSError: Another process works on ``out``, or what is there cannot
            be read or written.
    """
    made_by = {
        'list of images': _list_digest(source, column, root),
        'config': hash_json(settings.config),
        'checkpoint': _file_digest(settings.checkpoint),
        'gallery': _gallery_digest(settings.gallery),
        'topn': str(settings.topn),
        'num_neighbours': str(settings.num_neighbours),
    }
    with lock_work_dir(out, job='prediction', option='--out'):
        names = list_images(source, column)
        job = Job.open(out, names, made_by, part_size, root)
        parts = job.remaining()
        if parts:
            _remove_leftovers(job)
            _predict(job, settings, parts, options)
        return job.finish(num_kept=len(job) - len(parts))


def _predict(
    job: Job,
    settings: PredictionSettings,
    parts: list[int],
    options: RayOptions,
) -> None:
    finished = predict_parts(job, settings, parts, options)
    shown = track(
        finished,
        'parts',
        total=len(job),
        completed=len(job) - len(parts),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    for _ in shown:
        pass


def _remove_leftovers(job: Job) -> None:
    """Files that were being written when a run was killed."""
    for file in job.part_file(0).parent.glob('.*.part.parquet'):
        file.unlink(missing_ok=True)


def _list_digest(
    source: str | os.PathLike, column: str, root: str | os.PathLike
) -> str:
    """Path and state of the list; of a folder its path."""
    path = Path(source).absolute()
    told: list[Any] = [os.fspath(path), column, os.path.abspath(root)]
    if path.is_file():
        told += [path.stat().st_size, path.stat().st_mtime_ns]
    return hash_json(told)


def _gallery_digest(gallery: str | None) -> str:
    """The digest that the file has, so that it is not read whole."""
    if gallery is None:
        return ''
    metadata: Mapping[str, str] = {}
    if Path(gallery).is_file():
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(gallery, framework='pt') as file:
                metadata = file.metadata() or {}
        except SafetensorError as error:
            raise ValueError(
                f'{gallery} is not a whole safetensors gallery ({error})'
            ) from error
    return metadata.get(DIGEST) or _file_digest(gallery)


def _file_digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
