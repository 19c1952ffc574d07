"""Check that the pipeline noted the size of what it made."""

from collections.abc import Sequence
from typing import Any

__all__ = ['check_input_sizes']


def check_input_sizes(data_batch: Any, data_samples: Sequence[dict]) -> None:
    """Check ``img_shape`` of each sample against its input.

    Transforms from outside, such as torchvision's, crop without noting it.
    Boxes would then be brought back to a wrong place.

    Args:
        data_batch: As the data loader gives it. Anything without ``inputs``
            is not checked.
        data_samples: The samples as dicts.

    Raises:
        ValueError: They differ; names the image.
    """
    inputs = data_batch.get('inputs') if isinstance(data_batch, dict) else None
    if inputs is None:
        return
    for image, sample in zip(inputs, data_samples, strict=True):
        noted, size = sample.get('img_shape'), tuple(image.shape[-2:])
        if noted is not None and tuple(noted[:2]) != size:
            raise ValueError(
                f'{sample.get("img_path")} is an input of {size} (height, '
                f'width), but has img_shape {noted}: a step of the pipeline '
                'does not note the size it makes. Use Resize, ResizeEdge and '
                'CenterCrop of mmpretrain'
            )
