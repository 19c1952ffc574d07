"""Images as they look from further away."""

from numbers import Integral

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from mmc2f.registry import TRANSFORMS

__all__ = ['DegradeResolution', 'check_resolution', 'degrade']


@TRANSFORMS.register_module()
class DegradeResolution(BaseTransform):
    """Lower the resolution of an image, then bring it back to its size.

    The medium and low resolution of "Coarse-to-Fine Grained Classification"
    (Section 2 and Figure 2): details go, the network's input size stays. It
    belongs after the crop, so that the resolution is that of what the network
    sees, and before ``PackInputs``; see :func:`degrade`.

    Required key: ``img``, ``(H, W)`` or ``(H, W, C)`` uint8.
    Modified key: ``img``, of the same shape.
    Read where there is no ``resolution`` in the config, else written: key
    ``resolution``, as :class:`mmc2f.MultiResolutionDataset` sets it for each
    of its views.

    Args:
        resolution: Pixels of the shorter edge. ``None``: each image's own
            ``resolution``; an image that has none, or ``None``, is left as
            it is.

    Raises:
        ValueError: A resolution is no positive whole number, or the image is
            not 8-bit.
    """

    def __init__(self, resolution: int | None = None) -> None:
        self.resolution = check_resolution(resolution, 'DegradeResolution')

    def transform(self, results: dict) -> dict:
        """Lower the resolution of ``results['img']``."""
        if self.resolution is not None:
            results['resolution'] = self.resolution
        resolution = results.get('resolution')
        if resolution is not None:
            where = f'image {results.get("img_path", "(path unknown)")}'
            check_resolution(resolution, where)
            results['img'] = degrade(results['img'], resolution)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(resolution={self.resolution})'


def degrade(image: np.ndarray, resolution: int) -> np.ndarray:
    """Shrink an image by area interpolation, enlarge it by bicubic.

    Args:
        image: ``(H, W)`` or ``(H, W, C)`` uint8.
        resolution: Pixels of the shorter edge in between; the longer edge
            keeps the aspect.

    Returns:
        An image of the same shape and type. It is ``image`` itself where the
        shorter edge has no more than ``resolution`` pixels: there is nothing
        to lose.

    Raises:
        ValueError: The image is not 8-bit.
    """
    if image.dtype != np.uint8:
        raise ValueError(
            f'DegradeResolution takes 8-bit images, but got {image.dtype}; '
            'put it before what normalizes the image'
        )
    height, width = image.shape[:2]
    shorter = min(height, width)
    if shorter <= resolution:
        return image
    small_size = [
        round(edge * resolution / shorter) for edge in (width, height)
    ]
    small = cv2.resize(image, small_size, interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    # OpenCV drops a channel axis of length 1.
    return large.reshape(image.shape)


def check_resolution(resolution: object, where: str) -> int | None:
    """``resolution`` if it is ``None`` or a positive whole number.

    Args:
        resolution: What a config gives.
        where: Whose it is, for the message.

    Raises:
        ValueError: It is neither.
    """
    if resolution is None:
        return None
    if (
        not isinstance(resolution, Integral)
        or isinstance(resolution, bool)
        or int(resolution) < 1
    ):
        raise ValueError(
            f'{where} has resolution {resolution!r}; it must be a positive '
            'whole number of pixels, or None to leave the image as it is'
        )
    return int(resolution)
