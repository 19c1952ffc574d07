"""Writes predictions with their neighbours and regions to a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmc2f.files import to_json_bytes
from mmc2f.registry import METRICS
from mmc2f.retrieval.prediction_file import write_predictions
from mmc2f.retrieval.prediction_record import prediction_record

__all__ = ['PredictionWriter']


@METRICS.register_module()
class PredictionWriter(BaseMetric):
    """JSON lines, one object per image: classes, neighbours, regions.

    It is a metric because a metric sees the predictions of all ranks, each
    image once; it measures nothing. Each resolution of an image has a line of
    its own, see :func:`prediction_record`.

    Args:
        path: File to write; its folder is created.
        topn: Number of classes to list.
        **kwargs: Of MMEngine's ``BaseMetric``.
    """

    def __init__(self, path: str | Path, topn: int = 5, **kwargs: Any) -> None:
        super().__init__(**{'prefix': 'predictions', **kwargs})
        self.path = Path(path)
        self.topn = topn

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep a record of each sample, without its embedding.

        Raises:
            ValueError: The data set names no classes, or not those of a
                sample's level, or a score is NaN.
        """
        meta = self.dataset_meta or {}
        classes, levels = meta.get('classes'), meta.get('level_classes')
        if not classes:
            raise ValueError(
                'predictions are written by class name, but the data set '
                'names no classes: give it metainfo=dict(classes=[...])'
            )
        for sample in data_samples:
            record = prediction_record(
                BaseDataElement(**sample), classes, self.topn, levels
            )
            _check_finite(record)
            self.results.append(record)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Write the file; the former one stays until it is whole.

        Returns:
            ``written``, the number of predictions.

        Raises:
            OSError: The file cannot be written.
        """
        write_predictions(self.path, results)
        print_log(f'Predictions written to {self.path}', logger='current')
        # A float: the host's log drops integers from its files.
        return {'written': float(len(results))}


def _check_finite(record: dict[str, Any]) -> None:
    """At once, and not when all images have been tested."""
    try:
        to_json_bytes(record)
    except ValueError as error:
        raise ValueError(
            f'the prediction for {record["image"]} holds NaN or infinity, '
            'which JSON does not know. Look for diverged weights.'
        ) from error
