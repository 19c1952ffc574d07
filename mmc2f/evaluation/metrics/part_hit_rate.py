"""Metric for :func:`box_hits`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mmc2f.datasets.cub_annotations import CubAnnotations
from mmc2f.datasets.resolution_view import of_first_view
from mmc2f.evaluation.functional.box_hits import box_hits, hit_rates
from mmc2f.evaluation.metrics.box_metric import BoxMetric
from mmc2f.registry import METRICS
from mmc2f.structures import InputGeometry

__all__ = ['PartHitRate']

# Of each image, to compare its boxes with: enough for a mean, and for a large
# data set no long work.
MAX_OTHERS = 16


@dataclass(frozen=True, eq=False)
class _Image:
    """Boxes of an image and what is known of it, in pixels of the input.

    No tuple: MMEngine collects the records, and makes plain tuples of those.
    """

    boxes: Tensor
    parts: Tensor
    object_box: Tensor
    input_size: tuple[int, int]


@METRICS.register_module()
class PartHitRate(BoxMetric):
    """How often the regions lie on parts and objects, against random boxes.

    For data sets in the layout of CUB-200-2011, whose boxes and parts are used
    for evaluation only. The rates are those of :func:`hit_rates`: ``part`` and
    ``object``, in percent, and ``part_count``, each also with ``_random`` and
    for each scale (side in pixels of the input), and those of parts with
    ``_shuffled``: the same boxes over other images, 16 to each, evenly spread
    over the data set.

    Reads ``regions``, ``img_path`` and the fields of :class:`InputGeometry`,
    which ``PackInputs`` keeps by default. Of several views of an image the
    first is used.

    Args:
        data_root: Folder with ``images.txt``, ``bounding_boxes.txt`` and
            ``parts``, see :class:`CubAnnotations`.
        parts: Names of the parts that count. ``None``: all.
        **kwargs: Of MMEngine's ``BaseMetric``.

    Raises:
        FileNotFoundError, ValueError: The files are missing or broken.
        KeyError: An image is not in ``images.txt``.
    """

    default_prefix = 'boxes'

    def __init__(
        self,
        data_root: str | Path,
        parts: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.annotations = CubAnnotations(data_root, parts)

    def _record(self, sample: dict) -> _Image:
        """The regions of a sample, and what they should lie on."""
        image = sample.get('img_path') or 'a prediction'
        if 'regions' not in sample:
            raise ValueError(
                f'{image} has no regions: PartHitRate judges classifiers that '
                'choose regions, such as mmc2f.CCFR'
            )
        known = self.annotations(image)
        geometry = InputGeometry.from_meta(sample)
        return _Image(
            boxes=sample['regions'].cpu(),
            parts=geometry.to_input(known.parts),
            object_box=geometry.boxes_to_input(known.box),
            input_size=geometry.input_size,
        )

    def compute_metrics(
        self, results: list[tuple[str | None, _Image]]
    ) -> dict[str, float]:
        """Rates over all images."""
        images = of_first_view(results)
        return hit_rates(
            [
                box_hits(**vars(image), others=_parts_elsewhere(images, i))
                for i, image in enumerate(images)
            ]
        )


def _parts_elsewhere(images: Sequence[_Image], index: int) -> list[Tensor]:
    """Parts of other images, at the same place of the input of this one."""
    height, width = images[index].input_size
    count = min(MAX_OTHERS, len(images) - 1)
    parts = []
    for i in range(count):
        step = 1 + i * (len(images) - 1) // count
        other = images[(index + step) % len(images)]
        factor = width / other.input_size[1], height / other.input_size[0]
        parts.append(other.parts * other.parts.new_tensor(factor))
    return parts
