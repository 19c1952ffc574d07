"""The picture of a hierarchy of classes, and the clustering of a config."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from PIL import Image

from mmc2f.apis.label_tree import is_clustering, tree_holder
from mmc2f.decode_image import decode_image
from mmc2f.structures import LabelTree
from mmc2f.visualization import contact_sheet

__all__ = ['configured_clustering', 'hierarchy_sheet']

#: Side in pixels of an image that is kept for the sheet, at most.
SIDE = 256


def configured_clustering(cfg: Config) -> dict[str, Any]:
    """Options of the clustering that a config asks for; else none."""
    holder = tree_holder(cfg) or {}
    tree = holder.get('tree')
    return dict(tree) if is_clustering(tree) else {}


def hierarchy_sheet(
    tree: LabelTree, examples: Sequence[str | None]
) -> np.ndarray:
    """Contact sheet of one image of each class, framed by super class.

    Args:
        tree: Two levels or more.
        examples: File of an image of each class.

    Returns:
        RGB ``(H, W, 3)`` uint8.

    Raises:
        ValueError: A class has no file.
    """
    groups: list[tuple[str, list[tuple[str, np.ndarray]]]] = [
        (name, []) for name in tree.names(1)
    ]
    parents = tree.parent_of(0).tolist()
    for name, parent, path in zip(
        tree.names(0), parents, examples, strict=True
    ):
        if path is None:
            raise ValueError(
                f'class {name!r} has no image file to show: the data set '
                'has no files'
            )
        bgr = decode_image(Path(path).read_bytes())
        upright = Image.fromarray(bgr[:, :, ::-1])
        upright.thumbnail((SIDE, SIDE))
        groups[parent][1].append((name, np.asarray(upright)))
    return contact_sheet(groups)
