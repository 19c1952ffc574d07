"""Loading whatever a folder of images may hold."""

import logging
import os
from typing import Any, Literal

from mmcv.transforms import BaseTransform
from mmengine import fileio
from mmengine.logging import print_log

from mmc2f.arguments import check_choice, check_whole
from mmc2f.datasets.requirements import DATA_HINT
from mmc2f.datasets.transforms.damaged_files import DamagedFiles
from mmc2f.decode_image import MAX_PIXELS, decode_image
from mmc2f.registry import TRANSFORMS

__all__ = ['LoadImage', 'decode_image']


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Load an image file as 8-bit BGR, whatever its kind.

    Takes the place of mmcv's ``LoadImageFromFile``, which differs in that it
    drops an alpha channel and shows what lay hidden below, or, by the other
    back end, clips 16-bit images to white; fills what is missing of a JPEG
    with grey; and decodes any number of pixels. See :func:`decode_image`.

    Required key: ``img_path``. Where ``img`` is there already, as in
    mmpretrain's inferencers, it is left as it is.
    Added keys: ``img`` ``(H, W, 3)`` uint8 in the order B, G, R,
    ``img_shape`` and ``ori_shape``, both ``(H, W)``.

    Args:
        on_error: What to do with a file that is there but cannot be read or
            is damaged. ``'raise'`` stops and names it. ``'skip'`` warns once
            for each file, counts and returns ``None``: in training MMEngine
            then takes another sample at random, in testing it stops.
        max_skipped: Stop where more different files than that would be
            skipped, by all workers together. ``None``: never.
        max_pixels: Larger images count as damaged, and are not decoded;
            ``None`` for no limit.
        backend_args: Of ``mmengine.fileio.get``, for remote files.
        min_edge: For a training that makes images smaller anyway: decode a
            larger JPEG at a reduced scale that leaves its shorter edge this
            many pixels or more, which takes a fraction of the time. The
            pixels differ a little from those of a resize alone, so not for
            a test; ``ori_shape`` is the size that was decoded.

    Raises:
        FileNotFoundError: There is no such file, whatever ``on_error`` says.
        OSError: The file cannot be read and ``on_error`` is ``'raise'``, or
            too many cannot.
    """

    def __init__(
        self,
        on_error: Literal['raise', 'skip'] = 'raise',
        max_skipped: int | None = None,
        max_pixels: int | None = MAX_PIXELS,
        backend_args: dict[str, Any] | None = None,
        min_edge: int | None = None,
    ) -> None:
        if min_edge is not None:
            check_whole('min_edge', min_edge)
        self.min_edge = min_edge
        check_choice('on_error', on_error, ('raise', 'skip'))
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.backend_args = backend_args
        self.damaged = DamagedFiles(max_skipped)

    @property
    def skip_counts(self) -> dict[str, int]:
        """How many times this process has skipped each file."""
        return self.damaged.counts

    @property
    def num_skipped(self) -> int:
        """How many times this process has skipped a sample."""
        return self.damaged.total

    def transform(self, results: dict) -> dict | None:
        """Add the image to ``results``; ``None`` where it is skipped."""
        if 'img' in results:
            return results
        path = results['img_path']
        try:
            content = fileio.get(path, self.backend_args)
            image = decode_image(content, self.max_pixels, self.min_edge)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'image {_printable(path)} does not exist; {DATA_HINT}'
            ) from error
        # A broken file makes the decoders raise errors of any type.
        except Exception as error:
            if self.on_error == 'skip':
                self._skip(path, error)
                return None
            raise OSError(
                f'image {_printable(path)} cannot be read: {error}. Repair '
                'or remove it; a training can pass over such files, by '
                "max_damaged_images of the config or LoadImage's "
                "on_error='skip'"
            ) from error
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(on_error={self.on_error!r})'

    def _skip(self, path: str, error: Exception) -> None:
        first = path not in self.damaged.counts
        number = self.damaged.add(path)
        limit = self.damaged.limit
        if limit is not None and number > limit:
            raise OSError(
                f'image {_printable(path)} cannot be read: {error}. It is '
                f'one more than max_skipped={limit} of LoadImage, '
                'max_damaged_images of the config'
            ) from error
        if first:
            print_log(
                f'skipped image {_printable(path)}, which cannot be read: '
                f'{error} ({number} such files so far)',
                logger='current',
                level=logging.WARNING,
            )


def _printable(path: str) -> str:
    """A path that a log can hold, also where it is not UTF-8."""
    return os.fsencode(path).decode('utf-8', 'backslashreplace')
