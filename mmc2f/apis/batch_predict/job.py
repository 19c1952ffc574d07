"""A batch prediction on disk: what it is asked, and what is finished."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmc2f.arguments import check_whole
from mmc2f.files import read_json, write_json, written_whole
from mmc2f.retrieval.fingerprint import hash_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ['Job', 'JobSummary', 'PredictionSettings']

_FORMAT = 'mmc2f.batch_predict'
_VERSION = 1
_PLAN, _SUMMARY = 'plan.json', 'summary.json'
# Names in the metadata of a part.
_JOB, _ERRORS = b'mmc2f.job', b'mmc2f.errors'


@dataclass(frozen=True)
class PredictionSettings:
    """What the answers depend on, beside the images.

    Attributes:
        config: Full config of the model, in plain values.
        checkpoint: Its weights.
        gallery: File of the gallery, or ``None``.
        topn, num_neighbours: How many are listed, as for
            :class:`mmc2f.C2FInferencer`.
        batch_size: Images that the model sees at a time.
        device: Where it runs, as PyTorch names it.
        trust: Whether files may run code, see :mod:`mmc2f.weights.trust`.
    """

    config: Mapping[str, Any]
    checkpoint: str
    gallery: str | None = None
    topn: int = 5
    num_neighbours: int = 5
    batch_size: int = 32
    device: str = 'cpu'
    trust: bool = False


@dataclass(frozen=True)
class JobSummary:
    """How a batch prediction ended.

    Attributes:
        num_images: Rows, one an image.
        num_errors: Rows of images that could not be read.
        num_parts: Files.
        num_kept: Files that were there already when this run began.
    """

    num_images: int
    num_errors: int
    num_parts: int
    num_kept: int


@dataclass(frozen=True)
class Job:
    """A folder with the list of inputs, cut into parts, and a file for each.

    ``inputs/part-00000000.parquet`` and so on are written once and fix what
    the inputs are; ``predictions/`` has a file of the same name for each
    part that is finished. A file is whole or not there, so the folder alone
    tells what is left, whatever was killed; and since the name of a part is
    that of its inputs, no input can be in two files.

    Attributes:
        folder: Absolute, and the same for every worker.
        num_images: Inputs.
        part_size: Inputs in a part; the last one may have fewer.
        root: Folder that the paths of images are relative to.
        identity: Digest of settings and inputs.
    """

    folder: Path
    num_images: int
    part_size: int
    root: str
    identity: str

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike,
        names: Iterable[str],
        made_by: Mapping[str, str],
        part_size: int,
        root: str | os.PathLike = '',
    ) -> 'Job':
        """Take up the job of a folder, or make a new one there.

        Args:
            folder: Where it is, or is to be.
            names: Of the images. Not read where the job exists.
            made_by: Digests of all that the answers depend on, by a name
                that the user knows it by.
            part_size: Of a new job.
            root: What relative names are relative to.

        Raises:
            ValueError: The folder holds a job of other settings, or
                something else; says what differs.
        """
        folder = Path(folder).absolute()
        if not (folder / _PLAN).exists():
            check_whole('part_size', part_size)
            _start(folder, names, made_by, part_size, Path(root).absolute())
        return cls._read(folder, made_by)

    @classmethod
    def _read(cls, folder: Path, made_by: Mapping[str, str]) -> 'Job':
        path = folder / _PLAN
        plan = read_json(path)
        if not isinstance(plan, dict) or plan.get('format') != _FORMAT:
            raise ValueError(f'{path} is not the plan of a batch prediction')
        if plan['version'] != _VERSION:
            raise ValueError(
                f'{path} is of version {plan["version"]}, and this mmc2f '
                f'reads version {_VERSION}'
            )
        differ = [k for k, v in made_by.items() if plan['made_by'].get(k) != v]
        if differ:
            raise ValueError(
                f'{folder} holds predictions made with another '
                f'{", ".join(differ)}: give another --out, or remove it'
            )
        fields = plan['num_images'], plan['part_size'], plan['root']
        return cls(folder, *fields, hash_json(plan))

    def __len__(self) -> int:
        """How many parts there are."""
        return -(-self.num_images // self.part_size)

    def part_file(self, part: int) -> Path:
        """Where the answers of a part are, or will be."""
        return self.folder / 'predictions' / _part_name(part)

    def images(self, part: int) -> list[str]:
        """Names of the images of a part, as they were listed."""
        import pyarrow.parquet as pq

        file = self.folder / 'inputs' / _part_name(part)
        with pq.ParquetFile(file) as rows:
            return [os.fsdecode(n) for n in rows.read()['image'].to_pylist()]

    def path(self, image: str) -> str:
        """Where an image is."""
        return image if '://' in image else os.path.join(self.root, image)

    def write(self, part: int, table: 'pa.Table', num_errors: int) -> None:
        """Write the answers of a part, whole, and mark them as this job's."""
        import pyarrow.parquet as pq

        metadata = dict(table.schema.metadata or {})
        metadata |= {_JOB: self.identity, _ERRORS: str(num_errors)}
        with written_whole(self.part_file(part)) as file:
            pq.write_table(
                table.replace_schema_metadata(metadata),
                file,
                compression='zstd',
            )

    def count_errors(self, part: int) -> int | None:
        """Images of a finished part that could not be read.

        Returns:
            ``None`` where the part is not finished: it has no file, or one
            that is damaged, of another job, or of another number of images.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            found = pq.read_metadata(self.part_file(part))
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        metadata = found.metadata or {}
        size = min(self.part_size, self.num_images - part * self.part_size)
        is_ours = metadata.get(_JOB) == self.identity.encode()
        if not is_ours or found.num_rows != size:
            return None
        return int(metadata[_ERRORS])

    def remaining(self) -> list[int]:
        """Parts that are not finished, ascending."""
        return [p for p in range(len(self)) if self.count_errors(p) is None]

    def finish(self, num_kept: int) -> JobSummary:
        """Count what all parts hold, and write it beside them.

        Raises:
            ValueError: A part is not finished.
        """
        errors = [self.count_errors(part) for part in range(len(self))]
        missing = [part for part, count in enumerate(errors) if count is None]
        if missing:
            raise ValueError(
                f'{len(missing)} of {len(self)} parts are not finished, the '
                f'first is {self.part_file(missing[0])}: run it again'
            )
        total = sum(count for count in errors if count)
        summary = JobSummary(self.num_images, total, len(self), num_kept)
        write_json(self.folder / _SUMMARY, asdict(summary), indent=1)
        return summary


def _start(
    folder: Path,
    names: Iterable[str],
    made_by: Mapping[str, str],
    part_size: int,
    root: Path,
) -> None:
    """Write the inputs, and last the plan, without which they do not count."""
    if (folder / 'predictions').exists():
        raise ValueError(
            f'{folder} has predictions but no {_PLAN}: give another --out, or '
            'remove it'
        )
    # Of a run that was killed while it listed its images.
    shutil.rmtree(folder / 'inputs', ignore_errors=True)
    num_images = 0
    for part, chunk in enumerate(_chunks(names, part_size)):
        _write_inputs(folder / 'inputs' / _part_name(part), chunk)
        num_images += len(chunk)
    plan = dict(
        format=_FORMAT,
        version=_VERSION,
        num_images=num_images,
        part_size=part_size,
        root=os.fspath(root),
        made_by=dict(made_by),
    )
    write_json(folder / _PLAN, plan, indent=1)


def _write_inputs(path: Path, names: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Bytes, since a file name need not be UTF-8.
    column = pa.array([os.fsencode(name) for name in names], pa.binary())
    with written_whole(path) as file:
        pq.write_table(pa.table({'image': column}), file, compression='zstd')


def _chunks(names: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(names)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _part_name(part: int) -> str:
    return f'part-{part:08d}.parquet'
