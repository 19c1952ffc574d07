"""One's own images: a table of paths, labels and splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine import fileio
from mmpretrain.datasets import BaseDataset

from mmc2f.files import read_table
from mmc2f.registry import DATASETS

__all__ = ['ImageTable']


@DATASETS.register_module()
class ImageTable(BaseDataset):
    """Images that a CSV or Parquet file lists, one a row. ::

        path,label,split
        crow/001.jpg,carrion crow,train
        crow/002.jpg,carrion crow,val

    ``mmc2f init`` writes such a file. The classes of every split are the
    sorted labels of one split, ``train``, so that class ids agree although
    another split lacks a class. Other columns are passed over.

    Args:
        ann_file: The table, relative to ``data_root`` or absolute.
        data_root: Folder that the paths are relative to.
        split: Rows to take; ``''`` for all.
        classes: Labels in class order. ``None``: take them from
            ``classes_from``.
        classes_from: Split that defines the classes; ``''`` for all rows.
        path_column, label_column, split_column: Names of the columns.
        **kwargs: Of mmpretrain's ``BaseDataset`` (``pipeline``,
            ``test_mode``, ...).

    Raises:
        FileNotFoundError: There is no such table.
        ValueError: It has not the columns, an empty cell, no row of the
            split, or a label that is no class. Names the row.
    """

    def __init__(
        self,
        ann_file: str,
        data_root: str = '',
        split: str = 'train',
        classes: Sequence[str] | None = None,
        classes_from: str = 'train',
        path_column: str = 'path',
        label_column: str = 'label',
        split_column: str = 'split',
        **kwargs: Any,
    ) -> None:
        self.split = split
        self.classes_from = classes_from
        self.path_column = path_column
        self.label_column = label_column
        self.split_column = split_column
        super().__init__(
            ann_file=ann_file, data_root=data_root, classes=classes, **kwargs
        )

    def load_data_list(self) -> list[dict]:
        """Read the rows of the split."""
        rows = self._rows()
        if self.CLASSES is None:
            names = {
                row[self.label_column]
                for _, row in rows
                if self._is_of(row, self.classes_from)
            }
            self._metainfo['classes'] = tuple(sorted(names))
        wanted = [
            (number, row)
            for number, row in rows
            if self._is_of(row, self.split)
        ]
        if not wanted:
            found = {row.get(self.split_column, '') for _, row in rows}
            raise ValueError(
                f'{self.ann_file} has no row of split {self.split!r}; its '
                f'splits are {", ".join(map(repr, sorted(found))) or "none"}'
            )
        join = fileio.get_file_backend(self.data_root).join_path
        numbers = self.class_to_idx
        return [
            {
                'img_path': join(self.data_root, row[self.path_column]),
                'gt_label': self._label(numbers, number, row),
            }
            for number, row in wanted
        ]

    def extra_repr(self) -> list[str]:
        """Lines that ``repr`` adds."""
        return [
            f'Table of images: \t{self.ann_file}',
            f'Split: {self.split or "all"}',
        ]

    def _rows(self) -> list[tuple[int, dict[str, str]]]:
        if not Path(self.ann_file).is_file():
            raise FileNotFoundError(
                f'the table of images {self.ann_file} does not exist'
            )
        table = read_table(self.ann_file)
        needed = [self.path_column, self.label_column]
        if self.split or (self.CLASSES is None and self.classes_from):
            needed.append(self.split_column)
        missing = [name for name in needed if name not in table.columns]
        if missing:
            raise ValueError(
                f'{self.ann_file} has no column {missing[0]!r}; its columns '
                f'are {", ".join(map(repr, table.columns))}'
            )
        for number, row in table.rows:
            for name in needed[:2]:
                if not row[name]:
                    raise ValueError(
                        f'{self.ann_file}, row {number}: {name!r} is empty'
                    )
        return table.rows

    def _is_of(self, row: Mapping[str, str], split: str) -> bool:
        return not split or row.get(self.split_column) == split

    def _label(
        self, numbers: Mapping[str, int], number: int, row: Mapping[str, str]
    ) -> int:
        name = row[self.label_column]
        if name not in numbers:
            raise ValueError(
                f'{self.ann_file}, row {number}: {name!r} is no class; the '
                f'classes are the labels of split {self.classes_from!r}, '
                'unless `classes` is given'
            )
        return numbers[name]
