"""Pictures of both kinds, written whole."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mmc2f.visualization import save_picture

PIXELS = np.full((4, 6, 3), 200, np.uint8)


@pytest.mark.parametrize(
    ('picture', 'size'), [(PIXELS, (6, 4)), (Figure((1, 0.5), 50), (50, 25))]
)
def test_is_written_whole(tmp_path, picture, size):
    path = tmp_path / 'new' / 'picture.png'
    save_picture(picture, path)
    with Image.open(path) as image:
        assert image.format == 'PNG' and image.size == size
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize('picture', [PIXELS, Figure()])
def test_unknown_format_keeps_the_old_file(tmp_path, picture):
    path = tmp_path / 'picture.table'
    path.write_text('old')
    with pytest.raises(ValueError, match=r"picture\.table: no format .*'\.ta"):
        save_picture(picture, path)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
