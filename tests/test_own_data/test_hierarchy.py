"""Which levels of a listing say something, and which contradict it."""

from pathlib import Path

import pytest

from mmc2f.own_data.hierarchy import known_hierarchy
from mmc2f.own_data.listing import ImageListing, ListedImage


def listing(*rows: str, levels: str = 'class genus family') -> ImageListing:
    """An image a row, which names its class and the classes above."""
    images = [
        ListedImage(f'{place}.jpg', label, parents=tuple(parents))
        for place, (label, *parents) in enumerate(map(str.split, rows))
    ]
    return ImageListing(Path('pets'), images, tuple(levels.split()))


def test_levels_that_put_classes_together():
    found = known_hierarchy(
        listing('owl o birds', 'ant a insects', 'bee a insects')
    )
    # There are as many families as genera.
    assert found == (
        ('class', 'genus'),
        {'ant': ('ant', 'a'), 'bee': ('bee', 'a'), 'owl': ('owl', 'o')},
    )


def test_levels_that_say_nothing():
    one_class_only = listing('ant a animals', 'bee b animals')
    assert known_hierarchy(one_class_only) is None


def test_a_column_that_is_no_level_gets_another_name():
    levels, _ = known_hierarchy(
        listing('x a', 'y a', 'z b', levels='class_id group')
    )
    assert levels == ('class', 'group')


def test_a_class_in_two_super_classes_is_named_with_the_image():
    rows = 'ant a insects', 'bee b insects', 'ant b insects'
    with pytest.raises(ValueError, match=r"'ant' is in two .*'a' and 'b'.*2"):
        known_hierarchy(listing(*rows))
