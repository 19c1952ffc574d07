"""What metrics of regions have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from mmengine.evaluator import BaseMetric

__all__ = ['BoxMetric', 'check_input_sizes']


class BoxMetric(BaseMetric, ABC):
    """Keeps a record of the regions of each sample, with its view.

    ``compute_metrics`` gets pairs of a view, ``None`` where the data set has
    none, and what :meth:`_record` returned.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a record of each sample of a batch.

        Raises:
            ValueError: A sample has no regions, its position in the original
                image is unknown, or its ``img_shape`` is wrong.
        """
        check_input_sizes(data_batch, data_samples)
        self.results += [
            (sample.get('view'), self._record(sample))
            for sample in data_samples
        ]

    @abstractmethod
    def _record(self, sample: dict) -> Any:
        """What to keep of a sample."""


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
