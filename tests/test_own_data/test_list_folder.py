"""Which directory is a class, which a split, and which a super class."""

import pytest

from mmc2f.own_data.list_folder import list_folder


@pytest.fixture
def files(tmp_path):
    """Makes empty files: listing does not open them."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def found(listing):
    return [(i.path, i.split, i.label, *i.parents) for i in listing.images]


def test_one_directory_a_class(files):
    folder = files('bee/1.JPG', 'ant/1.png', 'ant/deep.txt', '.git/x/1.png')
    listing = list_folder(folder)
    assert found(listing) == [
        ('ant/1.png', '', 'ant'),
        ('bee/1.JPG', '', 'bee'),
    ]
    assert listing.levels == ('class',)
    assert listing.notes == ()


def test_splits_by_their_customary_names(files):
    folder = files(
        *('training/ant/1.png', 'training/bee/1.png'),
        *('valid/ant/1.png', 'Test/bee/1.png', 'iconic/ant/1.png'),
    )
    listing = list_folder(folder)
    assert found(listing) == [
        ('Test/bee/1.png', 'test', 'bee'),
        ('training/ant/1.png', 'train', 'ant'),
        ('training/bee/1.png', 'train', 'bee'),
        ('valid/ant/1.png', 'val', 'ant'),
    ]
    assert 'passed over, for they are in no split: iconic' in listing.notes
    assert not list_folder(folder, resplit=True).has_splits


def test_nested_directories_are_a_hierarchy(files):
    listing = list_folder(
        files(
            'images/fruit/apple/gala/1.png',
            'images/fruit/apple/fuji/1.png',
            'images/fruit/banana/1.png',
            'images/dairy/milk/1.png',
        )
    )
    assert listing.levels == ('class', 'group_1', 'group_2')
    assert [(i.label, *i.parents) for i in listing.images] == [
        ('milk', 'milk', 'dairy'),
        ('fuji', 'apple', 'fruit'),
        ('gala', 'apple', 'fruit'),
        ('banana', 'banana', 'fruit'),
    ]
    assert listing.notes == ('the classes are below images',)


@pytest.mark.parametrize(
    ('names', 'reason'),
    [
        (('ant/left/1.png', 'bee/left/1.png'), "'left' is in ant and bee"),
        (
            ('ant/1.png', 'ant/old/1.png', 'bee/1.png'),
            'ant has images and also ant/old',
        ),
    ],
)
def test_directories_that_cannot_be_classes(files, names, reason):
    folder = files(*names)
    listing = list_folder(folder)
    assert listing.classes == ['ant', 'bee']
    assert reason in listing.notes[0]
    inner = list_folder(folder, 'innermost')
    assert set(inner.classes) >= {'ant/left', 'bee/left'} or (
        inner.classes == ['ant', 'bee', 'old']
    )


def test_links_are_followed_once(files, tmp_path):
    folder = files('pets/ant/1.png', 'pets/bee/1.png')
    (folder / 'pets/bee/loop').symlink_to(folder / 'pets')
    assert len(list_folder(folder / 'pets').images) == 2


def test_images_without_a_class_are_left_out(files):
    listing = list_folder(files('ant/1.png', 'bee/1.png', 'sheet.png'))
    assert listing.notes == ('left out, for they have no class: sheet.png',)
    assert len(listing.images) == 2


@pytest.mark.parametrize(
    ('names', 'error', 'message'),
    [
        ((), FileNotFoundError, 'has no image; the endings'),
        (('ant/notes.txt',), FileNotFoundError, 'has no image'),
        (('1.png', '2.png'), ValueError, r'1\.png, but no directories'),
        (('ant/1.png',), ValueError, "one class only, 'ant'"),
        (
            ('val/ant/1.png', 'test/bee/1.png'),
            ValueError,
            "'test', 'val', of which none or several .* 'train'",
        ),
        (
            ('train/ant/1.png', 'train/bee/1.png', 'val/cat/1.png'),
            ValueError,
            "class 'cat' has images in another split, but none to train on",
        ),
    ],
)
def test_folders_that_cannot_be_used(files, names, error, message):
    with pytest.raises(error, match=message):
        list_folder(files(*names))
