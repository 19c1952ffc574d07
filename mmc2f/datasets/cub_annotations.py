"""Boxes and parts in the layout of CUB-200-2011, for evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import torch
from torch import Tensor

from mmc2f.datasets.requirements import DATA_HINT
from mmc2f.files import read_text, write_text

__all__ = ['CubAnnotations', 'ObjectParts', 'write_cub_annotations']

IMAGES, BOXES = 'images.txt', 'bounding_boxes.txt'
PARTS, POINTS = 'parts/parts.txt', 'parts/part_locs.txt'
#: Columns of each file. The last takes the rest of a row.
COLUMNS = {
    IMAGES: {'image id': int, 'path': str},
    BOXES: {
        'image id': int,
        'x': float,
        'y': float,
        'width': float,
        'height': float,
    },
    PARTS: {'part id': int, 'name': str},
    POINTS: {
        'image id': int,
        'part id': int,
        'x': float,
        'y': float,
        'visible': int,
    },
}


@dataclass(frozen=True, eq=False)
class ObjectParts:
    """What is known of the object in an image, in its original pixels.

    Args:
        box: ``(4,)`` corners (x1, y1, x2, y2).
        parts: ``(P, 2)`` x and y of the parts that can be seen.
    """

    box: Tensor
    parts: Tensor


class CubAnnotations:
    """Object box and visible parts of every image of CUB-200-2011.

    Read from ``images.txt`` (image id, path below ``images``),
    ``bounding_boxes.txt`` (image id, x, y, width, height),
    ``parts/parts.txt`` (part id, name) and ``parts/part_locs.txt`` (image
    id, part id, x, y, 1 if visible).

    Args:
        data_root: The folder that holds them.
        parts: Names of the parts that count. ``None``: all.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A row is not of its form, an id or a name is not known,
            or stands twice, or an image has no box. Names the file and the
            row.
    """

    def __init__(
        self, data_root: str | Path, parts: Sequence[str] | None = None
    ) -> None:
        self.root = Path(data_root)
        names = self._table(IMAGES)
        boxes = self._table(BOXES)
        self._check_same_images(names, boxes)
        points = self._points(set(names), self._table(PARTS), parts)
        self._objects = {
            name: ObjectParts(
                box=_corners(*boxes[image]),
                parts=torch.tensor(points[image]).reshape(-1, 2),
            )
            for image, (name,) in names.items()
        }

    def __len__(self) -> int:
        """Number of images."""
        return len(self._objects)

    def __call__(self, img_path: str | Path) -> ObjectParts:
        """What is known of an image.

        Args:
            img_path: Its path, which ends as in ``images.txt``.

        Raises:
            KeyError: It is none of the images.
        """
        steps = PurePath(img_path).parts
        for start in range(len(steps)):
            found = self._objects.get('/'.join(steps[start:]))
            if found is not None:
                return found
        raise KeyError(
            f'{img_path} is none of the {len(self)} images in '
            f'{self.root / "images.txt"}: does data_root belong to the data '
            'set that is tested?'
        )

    def _rows(self, name: str) -> Iterator[tuple[str, list]]:
        """Place, for messages, and values of each row of a file."""
        path, columns = self.root / name, COLUMNS[name]
        if not path.is_file():
            raise FileNotFoundError(
                f'{path} does not exist; boxes and parts are read from '
                f'{", ".join(COLUMNS)}, as CUB-200-2011 unpacks: {DATA_HINT}'
            )
        lines = read_text(path).splitlines()
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f'{path}, row {number}'
            values = line.strip().split(maxsplit=len(columns) - 1)
            try:
                yield (
                    where,
                    [
                        read(value)
                        for read, value in zip(
                            columns.values(), values, strict=True
                        )
                    ],
                )
            except ValueError:
                raise ValueError(
                    f'{where}: expected "{", ".join(columns)}" but found '
                    f'{line!r}'
                ) from None

    def _table(self, name: str) -> dict[int, list]:
        """Rows of a file by the id that each begins with."""
        table = {}
        for where, (key, *values) in self._rows(name):
            if key in table:
                raise ValueError(f'{where}: id {key} stands there twice')
            table[key] = values
        return table

    def _check_same_images(
        self, names: dict[int, list], boxes: dict[int, list]
    ) -> None:
        differ = sorted(set(names) ^ set(boxes))
        if differ:
            has, lacks = IMAGES, BOXES
            if differ[0] in boxes:
                has, lacks = BOXES, IMAGES
            raise ValueError(
                f'image {differ[0]} of {self.root / has} is not in '
                f'{self.root / lacks}'
            )

    def _points(
        self,
        images: set[int],
        known: dict[int, list],
        chosen: Sequence[str] | None,
    ) -> dict[int, list[list[float]]]:
        """Visible parts of each image."""
        names = [name for (name,) in known.values()]
        unknown = sorted(set(chosen or ()) - set(names))
        if unknown:
            raise ValueError(
                f'{self.root / PARTS} has no part {unknown[0]!r}, but '
                + ', '.join(names)
            )
        points: dict[int, list] = {image: [] for image in images}
        for where, (image, part, x, y, visible) in self._rows(POINTS):
            if image not in images:
                raise ValueError(f'{where}: image {image} is not in {IMAGES}')
            if part not in known:
                raise ValueError(f'{where}: part {part} is not in {PARTS}')
            if visible and (chosen is None or known[part][0] in chosen):
                points[image].append([x, y])
        return points


def _corners(x: float, y: float, width: float, height: float) -> Tensor:
    return torch.tensor([x, y, x + width, y + height])


def write_cub_annotations(
    data_root: str | Path,
    objects: Mapping[str, ObjectParts],
    parts: Sequence[str],
) -> None:
    """Write the files that :class:`CubAnnotations` reads.

    Args:
        data_root: Their folder, made when missing.
        objects: What is known of each image, by its path as ``images.txt``
            shall have it. The first point of an image is that of the first
            part, and so on; parts without a point are not visible.
        parts: Names of the parts.

    Raises:
        ValueError: An image has more points than there are parts.
    """
    rows: dict[str, list[str]] = {name: [] for name in COLUMNS}
    rows[PARTS] = [f'{i} {name}' for i, name in enumerate(parts, start=1)]
    for image, (path, known) in enumerate(objects.items(), start=1):
        if len(known.parts) > len(parts):
            raise ValueError(
                f'{path} has {len(known.parts)} points, but there are '
                f'{len(parts)} parts'
            )
        left, top, right, bottom = known.box.tolist()
        box = left, top, right - left, bottom - top
        rows[IMAGES].append(f'{image} {path}')
        rows[BOXES].append(f'{image} {_decimals(box)}')
        points = known.parts.tolist()
        for part in range(1, len(parts) + 1):
            visible = part <= len(points)
            place = _decimals(points[part - 1] if visible else (0, 0))
            rows[POINTS].append(f'{image} {part} {place} {visible:d}')
    for name, lines in rows.items():
        write_text(Path(data_root) / name, '\n'.join([*lines, '']))


def _decimals(numbers: Sequence[float]) -> str:
    return ' '.join(f'{number:.2f}' for number in numbers)
