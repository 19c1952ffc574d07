"""The chosen regions of several images beside each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from mmc2f.visualization.contact_sheet import contact_sheet
from mmc2f.visualization.draw_record import boxes_of_record
from mmc2f.visualization.draw_regions import draw_regions

__all__ = ['region_sheet']

SIDE, COLUMNS = 280, 4
TITLE = 'regions, a colour a scale, with the score of the navigator'
WHITE = (255, 255, 255)


def region_sheet(
    records: Sequence[Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], np.ndarray],
    side: int = SIDE,
    columns: int = COLUMNS,
) -> np.ndarray:
    """Draw the regions that were chosen at each scale, as in Fig. 4 and 7.

    Args:
        records: Of :func:`mmc2f.retrieval.prediction_record.\
prediction_record`, each with ``regions``.
        read: Gives the image of a record, RGB ``(H, W, 3)`` uint8 as the
            model has seen it.
        side: Of an image on the sheet, in pixels. Small images are enlarged
            before boxes are drawn.
        columns: Images in a row.

    Returns:
        RGB ``(H, W, 3)`` uint8.

    Raises:
        ValueError: There is no record, or one without regions.
    """
    if not records:
        raise ValueError('there is no prediction whose regions to draw')
    pictures = []
    for record in records:
        if not record.get('regions'):
            raise ValueError(
                f'the prediction for {record["image"]} has no regions: boxes '
                'are chosen by a model such as mmc2f.CCFR'
            )
        drawn = _draw(record, read(record), side)
        pictures.append((record['truth'] or 'unknown class', drawn))
    return contact_sheet(
        [(TITLE, pictures)], thumb=side, columns=min(columns, len(pictures))
    )


def _draw(
    record: Mapping[str, Any], image: np.ndarray, side: int
) -> np.ndarray:
    """The image in the middle of a white square, with its regions."""
    high, wide = image.shape[:2]
    factor = side / max(high, wide)
    size = round(wide * factor), round(high * factor)
    corner = (side - size[0]) // 2, (side - size[1]) // 2
    square = Image.new('RGB', (side, side), WHITE)
    square.paste(Image.fromarray(image).resize(size), corner)
    boxes, scales = boxes_of_record(record)
    scores = [region['score'] for region in record['regions']]
    return draw_regions(
        np.asarray(square),
        boxes * factor + np.tile(corner, 2),
        None if None in scores else np.array(scores),
        scales,
    )
