"""The Grocery Store Dataset in its own layout."""

from collections.abc import Iterator
from typing import Any

from mmengine import fileio
from mmpretrain.datasets import BaseDataset

from mmc2f.datasets.requirements import require_folder
from mmc2f.files import decode_text, parse_csv
from mmc2f.registry import DATASETS
from mmc2f.structures import LabelTree

__all__ = ['GroceryStore']

TREE = LabelTree.from_packaged('grocery')
CLASS_FILE = 'classes.csv'
CLASS_ID_COLUMN = 'Class ID (int)'
CLASS_NAME_COLUMN = 'Class Name (str)'


@DATASETS.register_module()
class GroceryStore(BaseDataset):
    """Smartphone photos of groceries: 81 fine classes in 43 coarse ones.

    Klasson et al., "A Hierarchical Grocery Store Image Dataset with Visual
    and Semantic Labels", WACV 2019. The folder looks like ::

        grocery
        ├── classes.csv     (optional, checked when there)
        ├── train.txt       rows ``path, fine id, coarse id``
        ├── val.txt
        └── train/Fruit/Apple/Golden-Delicious/*.jpg ...

    ``gt_label`` is the fine id; the other levels follow from the packaged
    hierarchy ``'grocery'``, see :class:`AddHierarchyLabels`.

    Args:
        data_root: The folder that holds the list files.
        split: Name of a list file without ``.txt``: ``train``, ``val``,
            ``test`` or any other that is there.
        **kwargs: Of mmpretrain's ``BaseDataset`` (``pipeline``,
            ``test_mode``, ``lazy_init``, ...).

    Raises:
        FileNotFoundError: No such folder or list file.
        ValueError: A row of the list cannot be read, or its ids or
            ``classes.csv`` are not those of the data set. Names the row.
    """

    METAINFO = {'classes': TREE.names()}  # noqa: RUF012, the host's form

    def __init__(
        self, data_root: str, split: str = 'train', **kwargs: Any
    ) -> None:
        self.split = split
        self.file_backend = fileio.get_file_backend(
            data_root, enable_singleton=True
        )
        super().__init__(
            ann_file=f'{split}.txt', data_root=data_root, **kwargs
        )

    def load_data_list(self) -> list[dict]:
        """Read the list file."""
        require_folder(self.data_root, 'Grocery Store Dataset')
        self._check_class_file()
        samples = [
            {
                'img_path': self._in_root(path),
                'gt_label': self._check_ids(number, fine, coarse),
            }
            for number, path, fine, coarse in self._rows()
        ]
        if not samples:
            raise ValueError(f'{self.ann_file} lists no image')
        return samples

    def extra_repr(self) -> list[str]:
        """Lines that ``repr`` adds."""
        return [f'Root of dataset: \t{self.data_root}', f'Split: {self.split}']

    def _in_root(self, path: str) -> str:
        return self.file_backend.join_path(self.data_root, path)

    def _rows(self) -> Iterator[tuple[int, str, int, int]]:
        """Row number from 1, path, fine id and coarse id of each image."""
        if not self.file_backend.isfile(self.ann_file):
            raise FileNotFoundError(
                f'{self.ann_file} does not exist; split must name a list '
                f'file, and {self.data_root!r} has {self._list_files()}'
            )
        for number, line in enumerate(
            _read_text(self.ann_file).splitlines(), start=1
        ):
            if not line.strip():
                continue
            try:
                path, fine, coarse = line.rsplit(',', 2)
                yield number, path.strip(), int(fine), int(coarse)
            except ValueError:
                raise ValueError(
                    f'{self.ann_file}, row {number}: expected "path, fine '
                    f'id, coarse id" but found {line!r}'
                ) from None

    def _list_files(self) -> str:
        names = self.file_backend.list_dir_or_file(
            self.data_root, list_dir=False, suffix='.txt'
        )
        splits = sorted(name.removesuffix('.txt') for name in names)
        return ', '.join(splits) or 'none'

    def _check_ids(self, number: int, fine: int, coarse: int) -> int:
        """The fine id, if the two ids of a row belong together."""
        where = f'{self.ann_file}, row {number}'
        if not 0 <= fine < TREE.num_classes():
            raise ValueError(
                f'{where}: fine id {fine} is outside '
                f'0..{TREE.num_classes() - 1}'
            )
        expected = TREE.parents[0][fine]
        if coarse != expected:
            raise ValueError(
                f'{where}: coarse id {coarse} does not belong to fine id '
                f'{fine} ({TREE.names()[fine]}), whose coarse id is {expected}'
            )
        return fine

    def _check_class_file(self) -> None:
        """Check the data set's own class list against the packaged one."""
        path = self._in_root(CLASS_FILE)
        if not self.file_backend.isfile(path):
            return
        expected = {str(i): name for i, name in enumerate(TREE.names())}
        table = parse_csv(_read_text(path), path)
        for number, row in table.rows:
            class_id = str(row.get(CLASS_ID_COLUMN))
            name = row.get(CLASS_NAME_COLUMN)
            if name is None or expected.get(class_id) != name:
                raise ValueError(
                    f'{path}, row {number}: class {class_id} is called '
                    f'{name!r}, but in the Grocery Store Dataset it is '
                    f'{expected.get(class_id)!r}'
                )
        TREE.check_num_classes(len(table.rows), path)


def _read_text(path: str) -> str:
    return decode_text(fileio.get(path), path)
