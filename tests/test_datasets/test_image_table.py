"""A table of paths, labels and splits as a data set."""

import numpy as np
import pytest
from mmpretrain.datasets import build_dataset
from PIL import Image

from mmc2f.datasets import ImageTable

TEXT = """path,label,split,note
a/1.png,bee,train,x
a/2.png,ant,train,
a/3.png,ant,val,
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'table.csv').write_text(TEXT)
    (tmp_path / 'a').mkdir()
    for index in range(1, 4):
        pixels = np.full((4, 4, 3), index, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f'a/{index}.png')
    return tmp_path


def test_as_a_config(root):
    dataset = build_dataset(
        dict(
            type='mmc2f.ImageTable',
            ann_file='table.csv',
            data_root=str(root),
            pipeline=[dict(type='mmc2f.LoadImage')],
        )
    )
    assert dataset.CLASSES == ('ant', 'bee')
    assert dataset.get_gt_labels().tolist() == [1, 0]
    assert [item['img'][0, 0, 0] for item in dataset] == [1, 2]
    assert f'Table of images: \t{root}/table.csv' in repr(dataset)


def test_classes_are_those_of_train(root):
    dataset = ImageTable(str(root / 'table.csv'), str(root), split='val')
    assert dataset.metainfo['classes'] == ('ant', 'bee')
    assert dataset.get_gt_labels().tolist() == [0]


def test_given_classes_and_all_splits(root):
    dataset = ImageTable(
        'table.csv', str(root), split='', classes=['bee', 'ant']
    )
    assert dataset.get_gt_labels().tolist() == [0, 1, 1]


def test_a_table_without_splits(root):
    (root / 'table.csv').write_text('file,kind\na/1.png,x\na/2.png,y\n')
    dataset = ImageTable(
        *('table.csv', str(root)),
        **dict(split='', classes_from=''),
        **dict(path_column='file', label_column='kind'),
    )
    assert len(dataset) == 2


@pytest.mark.parametrize(
    ('text', 'error', 'message'),
    [
        (None, FileNotFoundError, r'table\.csv does not exist'),
        ('path,split\nx,train\n', ValueError, "no column 'label'"),
        ('path,label\nx,a\n', ValueError, "no column 'split'"),
        ('path,label,split\n,a,train\n', ValueError, "row 2: 'path' is empty"),
        (
            'path,label,split\nx,a,test\n',
            ValueError,
            "no row of split 'val'; its splits are 'test'",
        ),
        (
            'path,label,split\nx,a,train\ny,b,val\n',
            ValueError,
            "row 3: 'b' is no class; .* of split 'train'",
        ),
    ],
)
def test_tables_that_cannot_be_used(root, text, error, message):
    path = root / 'table.csv'
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(error, match=message):
        ImageTable('table.csv', str(root), split='val')
