import numpy as np
import pytest
import torch
from PIL import ImageColor

from mmc2f.visualization import draw_regions
from mmc2f.visualization.style import PALETTE

IMAGE = np.full((120, 160, 3), 255, np.uint8)
BOXES = np.array([[20, 40, 60, 80], [80, 30, 150, 100.0]])


def _has(picture, colour):
    """Where a picture has exactly this colour, as an (H, W) mask."""
    return (picture == ImageColor.getrgb(colour)).all(axis=2)


def test_box_lies_where_it_should_and_the_image_is_kept():
    picture = draw_regions(IMAGE, BOXES[:1])
    mask = _has(picture, PALETTE[0])
    rows, columns = np.nonzero(mask)
    assert (columns.min(), rows.min()) == (20, 40)
    assert (columns.max(), rows.max()) == (60, 80)
    assert not mask[45:75, 25:55].any()
    assert (IMAGE == 255).all()
    assert picture.shape == IMAGE.shape


def test_each_group_has_its_colour():
    picture = draw_regions(IMAGE, BOXES, labels=['96 px', '192 px'])
    assert _has(picture, PALETTE[0])[40:81, 20:22].any()
    assert _has(picture, PALETTE[1])[30:101, 80:82].any()
    same = draw_regions(IMAGE, BOXES, labels=torch.tensor([3, 3]))
    assert _has(same, PALETTE[0])[30:101, 80:82].any()
    assert not _has(same, PALETTE[1]).any()


def test_legend_takes_a_corner_without_boxes():
    boxes = np.array([[0, 0, 158, 60.0]])
    picture = draw_regions(IMAGE, boxes, labels=['a'])
    without = draw_regions(IMAGE, boxes)
    changed = (picture != without).any(axis=2)
    assert changed.any()
    assert not changed[:64].any()


def test_scores_are_written_at_the_boxes():
    plain = draw_regions(IMAGE, BOXES)
    scored = draw_regions(IMAGE, BOXES, scores=torch.tensor([0.5, 2.0]))
    rows, columns = np.nonzero((plain != scored).any(axis=2))
    assert rows.size
    assert ((columns >= 20) & (rows >= 30) & (rows <= 100)).all()


def test_box_beyond_the_image_is_cut():
    picture = draw_regions(
        IMAGE, [[-30, -30, 400, 400], [300, 300, 500, 500]], [1.0, 1.0]
    )
    assert _has(picture, PALETTE[0])[0].all()


def test_no_box_leaves_the_image():
    picture = draw_regions(IMAGE, np.empty((0, 4)), [], labels=[])
    assert (picture == IMAGE).all()


def test_lengths_must_agree():
    with pytest.raises(ValueError, match='2 boxes with 1 scores'):
        draw_regions(IMAGE, BOXES, scores=[1.0])
    with pytest.raises(ValueError, match='2 boxes with 2 scores and 3 labels'):
        draw_regions(IMAGE, BOXES, scores=[1.0, 2.0], labels=[1, 1, 2])


def test_wrong_shapes_are_errors():
    with pytest.raises(ValueError, match='image must be RGB'):
        draw_regions(IMAGE[..., 0], BOXES)
    with pytest.raises(ValueError, match='image must be RGB'):
        draw_regions(IMAGE.astype(float), BOXES)
    with pytest.raises(ValueError, match=r'boxes must be \(R, 4\)'):
        draw_regions(IMAGE, BOXES[0])
