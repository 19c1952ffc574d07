"""Files in two classes, or in training and test."""

import os

import pytest

from mmc2f.datasets.duplicates import find_duplicates, image_files

NAMES = ('ant', 'bee')


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return str(path)

    return write_file


def test_copies_across_classes_and_splits(write):
    one, two = write('a/1', b'x'), write('b/1', b'x')
    seen, leak = write('a/2', b'yy'), write('v/2', b'yy')
    splits = {
        'train': [(one, (0,)), (two, (1,)), (seen, (0,))],
        'val': [(leak, (0,)), (write('v/3', b'zzz'), (0,))],
    }
    found = find_duplicates(splits)
    (pair,) = found.across_classes
    assert pair == ((one, 'train', (0,)), (two, 'train', (1,)))
    (pair,) = found.across_splits
    assert pair == ((seen, 'train', (0,)), (leak, 'val', (0,)))
    assert found.messages(NAMES) == [
        f'1 image is in two classes: {one} (train, ant) = {two} (train, bee)',
        '1 image is in training and in validation or test, which makes the '
        f'accuracy look better than it is: {seen} (train, ant) = {leak} '
        '(val, ant)',
    ]


def test_copies_that_do_no_harm(write):
    same = [(write(n, b'x'), (0,)) for n in 'ab']
    measured = [(write(n, b'yy'), (0,)) for n in 'cd']
    found = find_duplicates(
        {'train': same * 2, 'val': measured, 'test': measured}
    )
    assert found.messages() == []


def test_a_path_in_two_places(write):
    one, other = write('a', b'x'), write('b', b'yy')
    found = find_duplicates(
        {'train': [(one, (0,)), (one, (1,)), (other, (0,))]}
        | {'test': [(other, (0,))]}
    )
    assert [c.path for c in found.across_classes[0]] == [one, one]
    assert [c.split for c in found.across_splits[0]] == ['train', 'test']


def test_at_most_five_are_named(write):
    images = [
        (write(f'{i}{n}', b'x' * (i + 1)), (n,))
        for i in range(7)
        for n in (0, 1)
    ]
    (message,) = find_duplicates({'train': images}).messages()
    assert message.startswith('7 images are in two classes: ')
    assert message.endswith('; and 2 more')
    assert message.count(' = ') == 5


def test_names_that_are_not_utf_8_can_be_printed(write, tmp_path):
    name = os.fsdecode(b'caf\xe9')
    images = [(write(name, b'x'), (0,)), (write('b', b'x'), (7,))]
    (message,) = find_duplicates({'train': images}).messages(NAMES)
    assert r'caf\udce9 (train, ant)' in message.encode().decode()
    assert message.endswith('(train, 7)')


def test_images_of_a_data_set():
    class Views:
        infos = (
            {'img_path': 'a', 'gt_label': 1},
            {'img_path': 'a', 'gt_label': 0, 'level': 1},
            {'img_path': 'b', 'gt_label': [1, 2]},
            {'gt_label': 1},
            {'img_path': 'c'},
            {'img_path': 'd', 'gt_label': {'task': 1}},
        )

        def __len__(self):
            return len(self.infos)

        def get_data_info(self, place):
            return self.infos[place]

    assert list(image_files(Views())) == [('a', (1,)), ('b', (1, 2))]
    assert list(image_files(['a', 'b'])) == []
