"""Regions of several images beside each other."""

import numpy as np
import pytest

from mmc2f.visualization import region_sheet


def record(truth='owl', boxes=((8, 8, 24, 24), (0, 4, 32, 28))):
    regions = [{'box': list(box), 'score': 0.5} for box in boxes]
    return dict(image=f'{truth}.png', truth=truth, regions=regions)


def grey(_, shape=(32, 64, 3)):
    return np.full(shape, 128, np.uint8)


def test_images_are_enlarged_whole_and_boxes_with_them():
    sheet = region_sheet([record()] * 3, grey, side=128, columns=2)
    # Two of three images in the first row, each a grey band on white.
    middle = sheet[24 + 16 + 64]
    assert (sheet[..., 0] == 128).sum() > 3 * 128 * 64 / 2
    assert sheet.shape[1] > 2 * 128
    # The left side of the first box, at 8 of 64 pixels, is orange.
    column = middle[16 + 16 - 3 : 16 + 16 + 4].astype(int)
    assert (np.abs(column - (230, 159, 0)).max(axis=-1) < 40).any()


def test_scores_may_be_unknown():
    shown = record()
    shown['regions'][0]['score'] = None
    assert region_sheet([shown], grey).any()


@pytest.mark.parametrize(
    ('records', 'message'),
    [([], 'no prediction'), ([record(boxes=())], 'owl.png has no regions')],
)
def test_without_regions_there_is_nothing_to_draw(records, message):
    with pytest.raises(ValueError, match=message):
        region_sheet(records, grey)
