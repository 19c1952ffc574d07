import os
from pathlib import Path

import pytest
from mmpretrain.datasets import CUB, build_dataset

from mmc2f.datasets import GroceryStore
from mmc2f.structures import LabelTree

ROWS = 'train/a, b.jpg, 0, 0\n\ntrain/c.jpg, 80, 42\n'
HEADER = 'Class Name (str),Class ID (int),Coarse Class Name (str)\n'
NAMES = LabelTree.build('grocery').names()


@pytest.fixture
def write(tmp_path):
    def write_list(text, name='train.txt'):
        (tmp_path / name).write_text(text)
        return str(tmp_path)

    return write_list


def class_rows(names):
    return [f'{name},{index},x\n' for index, name in enumerate(names)]


def test_reads_paths_and_fine_ids(write):
    root = write(ROWS)
    dataset = build_dataset(
        {'type': 'mmc2f.GroceryStore', 'data_root': root, 'split': 'train'}
    )
    assert len(dataset) == 2
    assert dataset.get_data_info(0)['img_path'] == f'{root}/train/a, b.jpg'
    assert dataset.get_gt_labels().tolist() == [0, 80]
    assert dataset.get_cat_ids(1) == [80]
    assert f'Root of dataset: \t{root}' in repr(dataset)


def test_classes_are_known_without_data():
    assert len(GroceryStore.METAINFO['classes']) == 81
    lazy = GroceryStore('no/such/folder', lazy_init=True)
    assert lazy.CLASSES[0] == 'Golden-Delicious'


def test_split_is_any_list_file(write):
    write(ROWS)
    root = write('x.jpg, 3, 0\n', 'fold_2.txt')
    assert GroceryStore(root, split='fold_2').get_gt_labels().tolist() == [3]


def test_missing_folder_says_what_to_set():
    with pytest.raises(FileNotFoundError, match=r'no/such.*MMC2F_DATA'):
        GroceryStore('no/such')


def test_missing_list_file_names_those_there(write):
    write(ROWS)
    root = write(ROWS, 'val.txt')
    with pytest.raises(FileNotFoundError, match=r'test\.txt.*train, val'):
        GroceryStore(root, split='test')


@pytest.mark.parametrize(
    ('row', 'match'),
    [
        ('x.jpg 0 0', r'train\.txt, row 2: expected "path'),
        ('x.jpg, 0', 'row 2: expected'),
        ('x.jpg, a, 0', 'row 2: expected'),
        ('x.jpg, 81, 42', r'row 2: fine id 81 is outside 0\.\.80'),
        ('x.jpg, -1, 0', 'row 2: fine id -1'),
        ('x.jpg, 5, 2', r'row 2: coarse id 2.*\(Avocado\).* is 1'),
    ],
)
def test_bad_row_is_named(write, row, match):
    with pytest.raises(ValueError, match=match):
        GroceryStore(write(f'y.jpg, 0, 0\n{row}\n'))


def test_empty_list(write):
    with pytest.raises(ValueError, match='lists no image'):
        GroceryStore(write('\n'))


def test_class_file_is_checked(write):
    write(ROWS)
    rows = class_rows(NAMES)
    assert len(GroceryStore(write(HEADER + ''.join(rows), 'classes.csv'))) == 2
    renamed = [rows[0], 'Kiwi,1,x\n', *rows[2:]]
    with pytest.raises(ValueError, match=r"row 3: .*'Kiwi'.*'Granny-Smith'"):
        GroceryStore(write(HEADER + ''.join(renamed), 'classes.csv'))
    with pytest.raises(ValueError, match=r'csv has 80 classes'):
        GroceryStore(write(HEADER + ''.join(rows[:-1]), 'classes.csv'))
    with pytest.raises(ValueError, match=r'row 2: class None'):
        GroceryStore(write('a,b\n1,2\n', 'classes.csv'))


@pytest.mark.skipif(
    not os.environ.get('MMC2F_DATA'),
    reason='set MMC2F_DATA to the folder with the data sets',
)
class TestRealData:
    root = Path(os.environ.get('MMC2F_DATA', ''))

    @pytest.mark.parametrize(
        ('split', 'count'), [('train', 2640), ('val', 296)]
    )
    def test_grocery(self, split, count):
        dataset = GroceryStore(str(self.root / 'grocery'), split=split)
        assert len(dataset) == count
        assert all(
            Path(dataset.get_data_info(i)['img_path']).is_file()
            for i in range(0, count, 37)
        )

    def test_birds_open_with_the_reader_of_mmpretrain(self):
        root = str(self.root / 'cub200_2010')
        tree = LabelTree.build('cub')
        for split, count in (('train', 3000), ('test', 1567)):
            dataset = CUB(root, split=split, test_mode=split == 'test')
            assert len(dataset) == count
            tree.check_class_names(dataset.CLASSES, root)
        first = dataset.get_data_info(0)
        folder = Path(first['img_path']).parent.name
        assert folder.split('.')[1] == tree.names()[first['gt_label']]
