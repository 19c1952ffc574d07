import numpy as np
import pytest

from mmc2f.visualization import contact_sheet
from mmc2f.visualization.contact_sheet import _block, _places


def _picture(value=0, height=30, width=40):
    return np.full((height, width, 3), value, np.uint8)


def _group(title, size, value=0):
    return title, [(f'{title} {i}', _picture(value)) for i in range(size)]


def test_every_picture_is_on_the_sheet():
    values = [11, 99, 177]
    groups = [_group(f'g{v}', 5, v) for v in values]
    sheet = contact_sheet(groups, thumb=32, columns=4)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 4 * 40 + 24
    for value in values:
        area = (sheet == value).all(axis=2).sum()
        assert area >= 5 * 32 * 32


@pytest.mark.parametrize('seed', range(5))
def test_blocks_do_not_overlap_and_fit_the_sheet(seed):
    sizes = np.random.default_rng(seed).integers(1, 30, 20).tolist()
    blocks = [_block(i, size, 40, 8) for i, size in enumerate(sizes)]
    width = 8 * 40 + 24
    used = np.zeros((20000, width), int)
    for block, x, y in _places(blocks, width):
        assert x + block.width <= width
        used[y : y + block.height, x : x + block.width] += 1
    assert used.max() == 1


def test_small_groups_share_a_row():
    one = contact_sheet([_group('a', 2)], thumb=32, columns=8)
    three = contact_sheet(
        [_group('a', 2), _group('b', 2), _group('c', 2)], thumb=32, columns=8
    )
    assert one.shape == three.shape


def test_two_hundred_classes_fit():
    sheet = contact_sheet([_group('all', 200)], thumb=16)
    assert sheet.shape[0] < 1000


def test_mistakes_are_named():
    with pytest.raises(ValueError, match='at least one group'):
        contact_sheet([])
    with pytest.raises(ValueError, match="Group 'b' has no picture"):
        contact_sheet([_group('a', 1), ('b', [])])
    with pytest.raises(ValueError, match="picture 'grey' must be RGB"):
        contact_sheet([('a', [('grey', _picture()[..., 0])])])
