"""The class hierarchy: levels of classes from fine to coarse."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmc2f.files import read_json, write_json
from mmc2f.structures.label_tree_checks import check_tree, first_difference
from mmc2f.structures.label_tree_csv import read_hierarchy_csv
from mmc2f.structures.label_tree_names import check_order
from mmc2f.taxonomies import PACKAGED_LEVELS, packaged_path

__all__ = ['LabelTree']


@dataclass(frozen=True, repr=False)
class LabelTree:
    """Levels of classes, fine to coarse, and the parent of every class.

    Immutable. Level 0 holds the classes that images are labelled with; each
    class has exactly one parent in the next level and each class of a coarser
    level has at least one child.

    Args:
        level_names: Names of the levels, fine to coarse.
        class_names: Class names of each level, in class order.
        parents: For each level but the last, the index of each class's parent
            in the next level.

    Raises:
        ValueError: The arguments are no such tree; says which class is wrong.
    """

    level_names: Sequence[str]
    class_names: Sequence[Sequence[str]]
    parents: Sequence[Sequence[int]]

    def __post_init__(self) -> None:
        check_tree(self.level_names, self.class_names, self.parents)
        frozen = {
            'level_names': tuple(self.level_names),
            'class_names': tuple(map(tuple, self.class_names)),
            'parents': tuple(
                tuple(int(parent) for parent in links)
                for links in self.parents
            ),
        }
        for name, value in frozen.items():
            object.__setattr__(self, name, value)

    @classmethod
    def build(cls, spec: 'LabelTree | str | Path | Mapping') -> 'LabelTree':
        """Make a tree from what a config may hold.

        Args:
            spec: A tree; the name of a packaged hierarchy (``'cub'``); the
                path of a JSON file, or of a CSV file whose columns are the
                levels; ``dict(path=..., levels=[...])`` with the arguments of
                :meth:`from_csv`; or the output of :meth:`to_dict`.
        """
        if isinstance(spec, cls):
            return spec
        if isinstance(spec, Mapping):
            if 'path' not in spec:
                return cls.from_dict(spec)
            if Path(spec['path']).suffix == '.json':
                return cls.from_json(spec['path'])
            return cls.from_csv(**spec)
        if not isinstance(spec, (str, Path)):
            raise TypeError(
                'a hierarchy is given by a name, a path, a dict or a '
                f'LabelTree, not by {type(spec).__name__}'
            )
        if Path(spec).suffix == '.json':
            return cls.from_json(spec)
        if Path(spec).suffix == '.csv':
            return cls.from_csv(spec)
        return cls.from_packaged(str(spec))

    @classmethod
    def from_packaged(cls, name: str) -> 'LabelTree':
        """The packaged hierarchy called ``name``, see ``mmc2f/taxonomies``."""
        return cls.from_csv(packaged_path(name), PACKAGED_LEVELS[name])

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        levels: Sequence[str] | None = None,
        id_column: str | None = None,
    ) -> 'LabelTree':
        """Read a table with one row per finest class.

        Args:
            path: UTF-8 CSV file with a header, separated by commas,
                semicolons or tabs.
            levels: Columns to take as levels, fine to coarse. ``None``: every
                column but the ids', as the header orders them.
            id_column: Column of the class ids, from 0 or from 1. ``None``:
                column ``class_id`` where there is one, else the row order.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The table is no tree; names the row.
        """
        levels, names, parents = read_hierarchy_csv(path, levels, id_column)
        return cls(levels, names, parents)

    @classmethod
    def from_json(cls, path: str | Path) -> 'LabelTree':
        """Read what :meth:`to_json` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It holds no tree; names file and class.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'hierarchy file {path} does not exist')
        data = read_json(path)
        try:
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> 'LabelTree':
        """Inverse of :meth:`to_dict`."""
        keys = ('levels', 'classes', 'parents')
        if not isinstance(data, Mapping) or set(data) != set(keys):
            found = sorted(data) if isinstance(data, Mapping) else data
            raise ValueError(
                f'a hierarchy as a dict has the keys {", ".join(keys)}, but '
                f'got {found!r}'
            )
        return cls(*(data[key] for key in keys))

    @classmethod
    def from_buffer(cls, buffer: Tensor | None) -> 'LabelTree | None':
        """Inverse of :meth:`to_buffer`; None for an empty or no buffer."""
        if buffer is None or not buffer.numel():
            return None
        return cls.from_dict(json.loads(bytes(buffer.tolist())))

    @classmethod
    def from_clusters(
        cls,
        class_names: Sequence[str],
        assignment: Sequence[int],
        level_names: Sequence[str] = ('class', 'cluster'),
    ) -> 'LabelTree':
        """Two levels from a clustering of the classes.

        Args:
            class_names: Names of the C classes.
            assignment: ``(C,)`` cluster of each class, numbered from 0
                without gaps.
            level_names: Names of the two levels.
        """
        clusters = [int(cluster) for cluster in assignment]
        count = max(clusters, default=-1) + 1
        names = [f'cluster {index}' for index in range(count)]
        return cls(level_names, (class_names, names), (clusters,))

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels, fine to coarse."""
        return tuple(self.level_names)

    @property
    def num_levels(self) -> int:
        """Number of levels, the finest included."""
        return len(self.level_names)

    def level_index(self, level: int | str) -> int:
        """Index of a level given by name or by index (negative: from the end).

        Raises:
            ValueError: There is no such level.
        """
        if isinstance(level, str):
            if level in self.levels:
                return self.levels.index(level)
        elif -self.num_levels <= level < self.num_levels:
            return int(level) % self.num_levels
        raise ValueError(
            f'no level {level!r}; the levels are {", ".join(self.levels)}'
        )

    def names(self, level: int | str = 0) -> tuple[str, ...]:
        """Class names of a level, in class order."""
        return tuple(self.class_names[self.level_index(level)])

    def num_classes(self, level: int | str = 0) -> int:
        """Number of classes of a level."""
        return len(self.names(level))

    def parent_of(self, level: int | str = 0) -> Tensor:
        """Parent of every class of ``level`` in the next one, ``(C_level,)``.

        Raises:
            ValueError: The coarsest level has no parents.
        """
        index = self.level_index(level)
        if index == self.num_levels - 1:
            raise ValueError(
                f'level {self.levels[index]!r} is the coarsest: no parents'
            )
        return torch.tensor(self.parents[index], dtype=torch.long)

    def ancestors(self, level: int | str) -> Tensor:
        """Class at ``level`` that each finest class belongs to, ``(C_0,)``."""
        result = torch.arange(self.num_classes())
        for depth in range(self.level_index(level)):
            result = self.parent_of(depth)[result]
        return result

    def check_num_classes(self, num_classes: int, where: str) -> None:
        """Check that ``where`` has as many classes as the finest level.

        Raises:
            ValueError: It has not; says both counts.
        """
        if num_classes != self.num_classes():
            raise ValueError(
                f'{where} has {num_classes} classes, but level '
                f'{self.levels[0]!r} of the hierarchy has '
                f'{self.num_classes()}; the two must be equal'
            )

    def check_class_names(self, names: Sequence[str], where: str) -> None:
        """Check count and order of the classes that ``where`` names.

        Another order is refused: every image would silently get a wrong
        parent. Names that the hierarchy does not know are taken for those
        in their places, and a warning tells which; see :func:`check_order`.

        Raises:
            ValueError: Another count, or a name in another place.
        """
        self.check_num_classes(len(names), where)
        check_order(names, self.names(), where)

    def to_dict(self) -> dict[str, list]:
        """Plain lists that JSON, a config or a checkpoint can hold."""
        return {
            'levels': list(self.level_names),
            'classes': [list(names) for names in self.class_names],
            'parents': [list(level) for level in self.parents],
        }

    def to_json(self, path: str | Path) -> None:
        """Write :meth:`to_dict` to a JSON file.

        Raises:
            OSError: It cannot be written; what was there before is kept.
        """
        write_json(path, self.to_dict(), indent=1)

    def to_buffer(self) -> Tensor:
        """JSON bytes, ``(n,)`` uint8, to be saved with a module's weights."""
        text = json.dumps(self.to_dict(), ensure_ascii=True)
        return torch.tensor(list(text.encode()), dtype=torch.uint8)

    def describe_difference(self, other: 'LabelTree') -> str | None:
        """The first difference to another tree in words, ``None`` if none."""
        return first_difference(self, other)

    def __repr__(self) -> str:
        counts = ', '.join(
            f'{level}: {len(names)}'
            for level, names in zip(self.levels, self.class_names, strict=True)
        )
        return f'LabelTree({counts})'
