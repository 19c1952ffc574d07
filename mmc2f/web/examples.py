"""Images that a visitor can try a page on."""

import itertools
import os
import re
from collections.abc import Iterable, Sequence

import numpy as np

from mmc2f.apis.gallery_images import read_rgb
from mmc2f.apis.image_inputs import images_below
from mmc2f.web.upload import Refused

__all__ = ['MOST_EXAMPLES', 'Examples']

MOST_EXAMPLES = 8
#: How a page names one, with its number.
PREFIX = 'example '


class Examples:
    """A few images, known to a browser by their numbers.

    Args:
        paths: Image files.
    """

    def __init__(self, paths: Iterable[str | os.PathLike] = ()) -> None:
        self._images = [read_rgb(os.fspath(path)) for path in paths]

    @classmethod
    def in_folder(cls, folder: str | os.PathLike) -> 'Examples':
        """One image of each of the first classes, which are its folders.

        Raises:
            FileNotFoundError: There is no image.
        """
        paths = list(images_below(os.fspath(folder)))
        if not paths:
            raise FileNotFoundError(f'folder {folder} has no image')
        by_class = [
            list(images)
            for _, images in itertools.groupby(paths, os.path.dirname)
        ]
        rounds = itertools.zip_longest(*by_class)
        chosen = (path for same in rounds for path in same if path)
        return cls(itertools.islice(chosen, MOST_EXAMPLES))

    @property
    def images(self) -> Sequence[np.ndarray]:
        """RGB ``(H, W, 3)`` uint8 each."""
        return self._images

    def find(self, asked: object) -> np.ndarray | None:
        """The example that a page names; ``None``: it names none.

        Raises:
            Refused: There is no such example.
        """
        if not isinstance(asked, str) or not asked.startswith(PREFIX):
            return None
        number = asked.removeprefix(PREFIX)
        if not re.fullmatch('[0-9]{1,3}', number):
            raise Refused('There is no such example.')
        if int(number) >= len(self._images):
            raise Refused('There is no such example.')
        return self._images[int(number)]
