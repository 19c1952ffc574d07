"""Metric for :func:`box_hits`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmc2f.datasets.cub_annotations import CubAnnotations
from mmc2f.datasets.resolution_view import of_first_view
from mmc2f.evaluation.functional.box_hits import BoxHits, box_hits, hit_rates
from mmc2f.evaluation.metrics.box_metric import BoxMetric
from mmc2f.registry import METRICS
from mmc2f.structures import InputGeometry

__all__ = ['PartHitRate']


@METRICS.register_module()
class PartHitRate(BoxMetric):
    """How often the regions lie on parts and objects, against random boxes.

    For data sets in the layout of CUB-200-2011, whose boxes and parts are used
    for evaluation only. The rates are those of :func:`hit_rates`, in percent:
    ``part`` and ``object``, each also with ``_random`` and for each scale
    (side in pixels of the input).

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

    def _record(self, sample: dict) -> BoxHits:
        """Judge the regions of a sample."""
        image = sample.get('img_path') or 'a prediction'
        if 'regions' not in sample:
            raise ValueError(
                f'{image} has no regions: PartHitRate judges classifiers that '
                'choose regions, such as mmc2f.CCFR'
            )
        known = self.annotations(image)
        geometry = InputGeometry.from_meta(sample)
        return box_hits(
            boxes=sample['regions'].cpu(),
            parts=geometry.to_input(known.parts),
            object_box=geometry.boxes_to_input(known.box),
            input_size=geometry.input_size,
        )

    def compute_metrics(
        self, results: list[tuple[str | None, BoxHits]]
    ) -> dict[str, float]:
        """Rates over all images."""
        return hit_rates(of_first_view(results))
