import numpy as np
import pytest
from mmpretrain.datasets import build_dataset
from PIL import Image

from mmc2f.datasets import ImageFolder, LoadImage, image_folder


@pytest.fixture
def root(tmp_path):
    pixels = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    for name in (
        'train/ant/1.jpg',
        'train/ant/2.PNG',
        'train/bee/deep/1.webp',
        'train/cat/1.jpg',
        'val/bee/1.jpg',
        'val/cat/1.jpg',
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels.save(path)
    (tmp_path / 'train/.cache').mkdir()
    (tmp_path / 'train/ant/notes.txt').touch()
    return tmp_path


@pytest.fixture
def lines(monkeypatch):
    logged = []
    monkeypatch.setattr(
        image_folder, 'print_log', lambda text, **kwargs: logged.append(text)
    )
    return logged


def test_train(root, lines):
    dataset = build_dataset(
        {
            'type': 'mmc2f.ImageFolder',
            'data_root': str(root),
            'split': 'train',
            'pipeline': [{'type': 'mmc2f.LoadImage'}],
        }
    )
    assert dataset.CLASSES == ('ant', 'bee', 'cat')
    assert dataset.get_gt_labels().tolist() == [0, 0, 1, 2]
    assert all(item['img'].shape == (4, 4, 3) for item in dataset)
    assert f'Folder of images: \t{root}/train' in repr(dataset)
    assert lines == []


def test_class_ids_of_val_are_those_of_train(root, lines):
    dataset = ImageFolder(str(root), split='val')
    assert dataset.metainfo['classes'] == ('ant', 'bee', 'cat')
    assert dataset.get_gt_labels().tolist() == [1, 2]
    assert lines == [f"{root}/val has no image of 1 of 3 classes: 'ant'"]


def test_split_may_define_its_own_classes(root):
    dataset = ImageFolder(str(root), split='val', classes_from=None)
    assert dataset.CLASSES == ('bee', 'cat')


def test_no_splits(root):
    dataset = ImageFolder(str(root / 'train'), split='', classes_from='')
    assert dataset.get_gt_labels().tolist() == [0, 0, 1, 2]


def test_classes_given_in_their_order(root, tmp_path):
    order = ['cat', 'bee', 'ant']
    dataset = ImageFolder(str(root), split='val', classes=order)
    assert dataset.get_gt_labels().tolist() == [1, 0]
    path = tmp_path / 'classes.txt'
    path.write_text('\n'.join(order))
    dataset = ImageFolder(str(root), split='val', classes=str(path))
    assert dataset.get_gt_labels().tolist() == [1, 0]


def test_class_file_of_a_spreadsheet(root, tmp_path):
    path = tmp_path / 'classes.txt'
    path.write_bytes(b'\xef\xbb\xbfcat\r\nbee \r\n\r\nant\r\n')
    dataset = ImageFolder(str(root), split='val', classes=str(path))
    assert dataset.metainfo['classes'] == ('cat', 'bee', 'ant')


@pytest.mark.parametrize(
    ('content', 'match'),
    [
        (b'cat\nbee\ncat\nant\n', r"classes\.txt lists 'cat' twice"),
        (b'\n', r'classes\.txt lists no class'),
        (b'cat\nb\xe9e\n', r'classes\.txt, row 2: .*Latin-1'),
    ],
)
def test_class_files_that_are_none(root, tmp_path, content, match):
    path = tmp_path / 'classes.txt'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=match):
        ImageFolder(str(root), split='val', classes=str(path))


def test_class_listed_twice_in_a_config(root):
    with pytest.raises(ValueError, match="classes lists 'ant' twice"):
        ImageFolder(str(root), split='val', classes=['ant', 'bee', 'ant'])


def test_directory_that_is_no_class(root):
    (root / 'val/dog').mkdir()
    with pytest.raises(ValueError, match=r"no classes: 'dog';.*'train'"):
        ImageFolder(str(root), split='val')


def test_empty_class_is_reported(root, lines):
    for index in range(7):
        (root / f'train/empty_{index}').mkdir()
    assert len(ImageFolder(str(root))) == 4
    assert "7 of 10 classes: 'empty_0', " in lines[0]
    assert lines[0].endswith(', ...')


def test_missing_folders(root):
    with pytest.raises(FileNotFoundError, match=r'no/such/train.*MMC2F_DATA'):
        ImageFolder('no/such')
    with pytest.raises(FileNotFoundError, match='test'):
        ImageFolder(str(root), split='test')
    with pytest.raises(FileNotFoundError, match='training'):
        ImageFolder(str(root), split='val', classes_from='training')


def test_folder_without_directories(tmp_path):
    (tmp_path / 'train').mkdir()
    (tmp_path / 'train/loose.jpg').touch()
    with pytest.raises(FileNotFoundError, match='needs one for each class'):
        ImageFolder(str(tmp_path))


def test_folder_without_images(tmp_path):
    (tmp_path / 'train/ant').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r'no image.*\.jpg, \.jpeg'):
        ImageFolder(str(tmp_path))


def test_missing_image_names_the_file(root):
    dataset = ImageFolder(str(root), pipeline=[LoadImage()])
    (root / 'train/cat/1.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'train/cat/1\.jpg'):
        dataset[3]
