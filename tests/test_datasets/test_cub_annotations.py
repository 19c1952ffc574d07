"""Boxes and parts, from files that are right and files that are not."""

import pytest
import torch
from made_up_cub import FILES, write_cub

from mmc2f.datasets.cub_annotations import (
    CubAnnotations,
    ObjectParts,
    write_cub_annotations,
)


def test_box_and_visible_parts_of_each_image(tmp_path):
    known = CubAnnotations(write_cub(tmp_path))
    assert len(known) == 3
    first = known('001.Ant_bird/a_1.jpg')
    assert first.box.tolist() == [20, 10, 120, 60]
    assert first.parts.tolist() == [[30, 20], [36, 24]]
    second = known('001.Ant_bird/a_2.jpg')
    assert second.parts.tolist() == [[10, 12.5], [30, 35]]


def test_an_object_may_show_no_part(tmp_path):
    known = CubAnnotations(write_cub(tmp_path))
    assert known('002.Bee_eater/b_1.jpg').parts.shape == (0, 2)


@pytest.mark.parametrize('root', ['', '/somewhere/CUB/images'])
def test_image_is_found_by_the_end_of_its_path(tmp_path, root):
    known = CubAnnotations(write_cub(tmp_path))
    path = f'{root}/002.Bee_eater/b_1.jpg'
    assert known(path).box.tolist() == [8.5, 4, 24.5, 36]


def test_some_parts_count(tmp_path):
    known = CubAnnotations(write_cub(tmp_path), parts=['left eye', 'tail'])
    assert known('001.Ant_bird/a_1.jpg').parts.tolist() == [[36, 24]]
    assert known('001.Ant_bird/a_2.jpg').parts.tolist() == [[30, 35]]


def test_unknown_image_is_named(tmp_path):
    known = CubAnnotations(write_cub(tmp_path))
    with pytest.raises(KeyError, match=r'images/a_1\.jpg is none of the 3'):
        known('images/a_1.jpg')


def test_unknown_part_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no part 'wing', but beak, left ey"):
        CubAnnotations(write_cub(tmp_path), parts=['beak', 'wing'])


@pytest.mark.parametrize('name', list(FILES))
def test_missing_file_is_named(tmp_path, name):
    write_cub(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf'{name} does not exist; .*'):
        CubAnnotations(tmp_path)


@pytest.mark.parametrize(
    ('name', 'row', 'message'),
    [
        ('images', 'one a.jpg', 'row 5: expected "image id, path" but found'),
        ('images', '9', 'row 5: expected'),
        ('images', '7 again.jpg', 'row 5: id 7 stands there twice'),
        ('images', '8 c.jpg', r'image 8 of .*images\.txt is not in .*bound'),
        ('bounding_boxes', '7 1 2 3', 'row 4: expected "image id, x, y, wid'),
        ('bounding_boxes', '7 1 2 3 4 5', 'row 4: expected'),
        ('bounding_boxes', '8 1 2 3 4', r'8 of .*boxes\.txt is not in .*imag'),
        ('parts', '2 wing', 'row 4: id 2 stands there twice'),
        ('part_locs', '7 3 1.0 x 1', 'row 10: expected "image id, part id, '),
        ('part_locs', '8 3 1.0 1.0 1', 'row 10: image 8 is not in images.txt'),
        ('part_locs', '7 4 1.0 1.0 1', 'row 10: part 4 is not in parts/parts'),
    ],
)
def test_wrong_row_is_named(tmp_path, name, row, message):
    (text,) = (
        text for file, text in FILES.items() if file.endswith(f'{name}.txt')
    )
    write_cub(tmp_path, **{name: f'{text}{row}\n'})
    with pytest.raises(ValueError, match=message):
        CubAnnotations(tmp_path)


def test_what_is_written_is_read(tmp_path):
    objects = {
        'train/a b.png': ObjectParts(
            torch.tensor([1, 2, 30, 40]), torch.tensor([[3.25, 4], [5, 6.5]])
        ),
        'test/c.png': ObjectParts(
            torch.tensor([0.5, 0, 9, 9]), torch.zeros(0, 2)
        ),
    }
    write_cub_annotations(tmp_path / 'new', objects, ['left eye', 'tail'])
    known = CubAnnotations(tmp_path / 'new')
    assert len(known) == 2
    for path, expected in objects.items():
        assert known(path).box.equal(expected.box.float())
        assert known(path).parts.equal(expected.parts)
    tails = CubAnnotations(tmp_path / 'new', parts=['tail'])
    assert tails('train/a b.png').parts.tolist() == [[5, 6.5]]


def test_more_points_than_parts_are_refused(tmp_path):
    objects = {'a.png': ObjectParts(torch.zeros(4), torch.zeros(2, 2))}
    with pytest.raises(ValueError, match=r'a\.png has 2 points, .* 1 parts'):
        write_cub_annotations(tmp_path, objects, ['tail'])
