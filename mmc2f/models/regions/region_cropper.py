import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from mmc2f.optional import COMPILED_OPS, require
from mmc2f.registry import MODELS

__all__ = ['RegionCropper']


@MODELS.register_module()
class RegionCropper(nn.Module):
    """Cuts regions out of the images and resizes them, in one call.

    Bilinear, with pixel centres at half coordinates: the crop of the box
    (0, 0, W, H) at the size of the image is the image. Outside the image the
    value is zero, which is the mean colour of a normalised image. RoIAlign
    alone would repeat the outermost pixel half a pixel beyond the border.

    Neither images nor boxes receive a gradient: the crops are new images.

    Args:
        size: Side of the square crops in pixels.
        sampling_ratio: Samples along each side of an output pixel, averaged.
            1 is plain bilinear resizing. 0 takes ceil(box / size) samples,
            which avoids aliasing when regions are shrunk.
        roi_layer: Config of a layer of ``mmcv.ops`` that cuts the regions,
            as mmdet's heads name it: ``dict(type='RoIAlign')``, or
            ``dict(type='RoIPool')`` on a GPU. Its size is ``size``, and
            RoIAlign's sampling ratio is ``sampling_ratio`` unless it has its
            own. None is torchvision's RoIAlign, the same to the last bit.

    Raises:
        ValueError: When an argument is out of range, or mmcv has no such
            layer.
        ImportError: ``roi_layer`` is given, and mmcv has no compiled ops.
    """

    def __init__(
        self,
        size: int = 224,
        sampling_ratio: int = 1,
        roi_layer: dict | None = None,
    ) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f'size of RegionCropper must be >= 1, got {size}')
        if sampling_ratio < 0:
            raise ValueError(
                f'sampling_ratio of RegionCropper must be >= 0, got '
                f'{sampling_ratio}'
            )
        self.size = size
        self.sampling_ratio = sampling_ratio
        self.roi_layer = None
        if roi_layer is not None:
            self.roi_layer = _build_roi_layer(roi_layer, size, sampling_ratio)

    @torch.no_grad()
    def forward(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Crops R regions of each image.

        Args:
            images: ``(B, 3, H, W)``, floating point.
            boxes: ``(B, R, 4)`` corners (x1, y1, x2, y2) in pixels.

        Returns:
            ``(B * R, 3, size, size)`` of the images' type; region r of image
            b is row b * R + r.

        Raises:
            ValueError: When a shape or the type of the images is wrong.
        """
        _check_inputs(images, boxes)
        # roi_align wants one type for both, and half precision cannot hold
        # coordinates.
        dtype = torch.promote_types(images.dtype, torch.float32)
        # roi_align repeats border pixels up to one pixel beyond the image. A
        # border of zeros makes it fade to zero there instead.
        padded = F.pad(images.to(dtype), (1, 1, 1, 1))
        batch, count = boxes.shape[:2]
        image_index = torch.arange(batch, device=boxes.device, dtype=dtype)
        rois = torch.cat(
            [
                image_index.repeat_interleave(count).unsqueeze(1),
                boxes.reshape(-1, 4).to(dtype) + 1,
            ],
            dim=1,
        )
        return self._align(padded, rois).to(images.dtype)

    def _align(self, images: Tensor, rois: Tensor) -> Tensor:
        if self.roi_layer is not None:
            return self.roi_layer(images, rois)
        return roi_align(
            images,
            rois,
            output_size=self.size,
            sampling_ratio=self.sampling_ratio,
            aligned=True,
        )

    def extra_repr(self) -> str:
        return f'size={self.size}, sampling_ratio={self.sampling_ratio}'


def _build_roi_layer(cfg: dict, size: int, sampling_ratio: int) -> nn.Module:
    require('roi_layer of mmc2f.RegionCropper', COMPILED_OPS)
    from mmcv import ops

    kwargs = dict(cfg)
    name = kwargs.pop('type')
    if not hasattr(ops, name):
        raise ValueError(
            f'roi_layer of RegionCropper is a layer of mmcv.ops, such as '
            f'RoIAlign, not {name!r}'
        )
    if name == 'RoIAlign':
        kwargs.setdefault('sampling_ratio', sampling_ratio)
    kwargs.setdefault('spatial_scale', 1.0)
    return getattr(ops, name)(output_size=size, **kwargs)


def _check_inputs(images: Tensor, boxes: Tensor) -> None:
    if images.dim() != 4:
        raise ValueError(
            f'images must be (B, 3, H, W), got {tuple(images.shape)}'
        )
    if not images.is_floating_point():
        raise ValueError(
            f'images must be floating point, got {images.dtype}: normalise '
            f'them first'
        )
    # Not len(): under torch.export that would fix the batch size.
    batch = images.shape[0]
    if boxes.dim() != 3 or boxes.shape[::2] != (batch, 4):
        raise ValueError(
            f'boxes must be ({batch}, R, 4), one row per image, got '
            f'{tuple(boxes.shape)}'
        )
