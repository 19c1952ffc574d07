"""Picture of one prediction, from its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mmc2f.visualization.draw_regions import draw_regions
from mmc2f.visualization.draw_rerank import draw_rerank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ['boxes_of_record', 'draw_record', 'title_of_record']

NEIGHBOURS = 8
#: Side in pixels of the image at least, so that its lettering is sharp.
QUERY = 640


def draw_record(
    record: Mapping[str, Any],
    image: np.ndarray,
    read_neighbour: Callable[[Mapping[str, Any]], np.ndarray | None],
) -> Figure | np.ndarray:
    """Draw what a prediction rests on.

    Args:
        record: Of :func:`mmc2f.retrieval.prediction_record.\
prediction_record`.
        image: RGB ``(H, W, 3)`` uint8, as the model has seen it.
        read_neighbour: Gives the image of an entry of ``neighbours``;
            ``None`` leaves it out.

    Returns:
        Of a re-ranked image what :func:`~mmc2f.visualization.draw_rerank`
        draws, of another one its regions.
    """
    boxes, sizes = boxes_of_record(record)
    if 'reranked' not in record:
        scores = [region['score'] for region in record.get('regions', ())]
        known = None if None in scores else np.array(scores)
        return draw_regions(image, boxes, known, sizes)
    nearest = [
        (read_neighbour(entry), entry['class'], entry['similarity'])
        for entry in record['neighbours'][:NEIGHBOURS]
    ]
    image, factor = enlarge(image, QUERY)
    return draw_rerank(
        image,
        title_of_record(record),
        [(c['class'], c['probability']) for c in record['coarse']],
        [(c['class'], c['score']) for c in record['reranked']],
        [
            (picture, name, similarity)
            for picture, name, similarity in nearest
            if picture is not None
        ],
        boxes=boxes * factor if len(boxes) else None,
        truth=record['truth'] or '',
        box_labels=sizes,
    )


def enlarge(image: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """An image whose longer side is ``side`` or more, and the factor."""
    factor = max(1.0, side / max(image.shape[:2]))
    if factor == 1:
        return image, factor
    high, wide = (round(length * factor) for length in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((wide, high))), factor


def boxes_of_record(
    record: Mapping[str, Any],
) -> tuple[np.ndarray, list[str]]:
    """Boxes ``(R, 4)`` in pixels of the model's input, and their scale.

    A scale is told by the width of its boxes.
    """
    regions = record.get('regions', ())
    boxes = np.array([region['box'] for region in regions], float)
    boxes = boxes.reshape(-1, 4)
    return boxes, [f'{box[2] - box[0]:.0f} px' for box in boxes]


def title_of_record(record: Mapping[str, Any]) -> str:
    """Name of the image and, where it has several, of its view."""
    name = Path(record['image']).name
    if 'view' not in record:
        return name
    size = record.get('resolution')
    return f'{name}, {record["view"]}' + (f' ({size} px)' if size else '')
