"""Pictures of one's own."""

import pytest
from drawn_images import draw_folder

pytest.importorskip('imagehash', reason='install imagehash')


@pytest.fixture
def folder(tmp_path):
    """Four classes in two groups, six different pictures each."""
    classes = ('warm/ant', 'warm/bee', 'cold/cat', 'cold/dog')
    draw_folder(tmp_path / 'pets', classes, 6)
    return tmp_path / 'pets'
