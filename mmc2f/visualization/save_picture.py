"""Pictures in files that are whole."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mmc2f.files import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ['save_picture']


def save_picture(
    picture: 'Figure | np.ndarray', path: str | os.PathLike
) -> None:
    """Write a picture; the former file stays until the new one is whole.

    Args:
        picture: Figure of matplotlib, or ``(H, W, 3)`` uint8.
        path: File, whose ending tells the format; its folder is made.

    Raises:
        OSError: The file cannot be written.
        ValueError: There is no format of such an ending.
    """
    with written_whole(path) as part:
        try:
            if isinstance(picture, np.ndarray):
                Image.fromarray(picture).save(part)
            else:
                picture.savefig(part)
        except ValueError as error:
            # What is written aside has another name than was asked for.
            raise ValueError(
                f'{path}: no format of pictures is called '
                f'{Path(path).suffix!r}; take .png'
            ) from error
