"""Predictions of the test images: left by a test, or made now."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader

from mmc2f.apis.complete_dataloaders import complete_dataloaders
from mmc2f.retrieval.prediction_file import read_predictions
from mmc2f.retrieval.prediction_record import prediction_record

if TYPE_CHECKING:
    from mmc2f.apis.inferencer import C2FInferencer

__all__ = [
    'PREDICTIONS',
    'find_predictions',
    'loader_of_tests',
    'predicted_records',
]

#: What ``--out`` of a test is called by custom, beside the checkpoint.
PREDICTIONS = 'predictions.jsonl'


def find_predictions(checkpoint: str | os.PathLike) -> Path | None:
    """Predictions that a test has left beside a checkpoint.

    ``None`` where there are none, or the checkpoint is newer.
    """
    path = Path(checkpoint).with_name(PREDICTIONS)
    if not path.is_file():
        return None
    is_older = path.stat().st_mtime < Path(checkpoint).stat().st_mtime
    return None if is_older else path


def predicted_records(
    inferencer: 'C2FInferencer', predictions: Path | None = None
) -> list[dict[str, Any]]:
    """Records of the test images, see :func:`prediction_record`.

    Args:
        inferencer: The model, which answers if there is no file.
        predictions: What a test has left.

    Raises:
        FileNotFoundError: The file or the test images are not there.
        ValueError: A line of the file is no prediction, there is none, or
            the data set names no classes.
    """
    if predictions is not None:
        records = [record for _, record in read_predictions(predictions)]
    else:
        records = _answer(inferencer)
    if not records:
        raise ValueError(f'{predictions or "the test"} holds no prediction')
    return records


def loader_of_tests(inferencer: 'C2FInferencer') -> DataLoader:
    """Loader of the test images of a model's config.

    Raises:
        FileNotFoundError: The images are not there.
        ValueError: The config names none.
    """
    cfg = inferencer.model._config.copy()
    if cfg.get('test_dataloader') is None:
        raise ValueError('the config has no test_dataloader to take images of')
    complete_dataloaders(cfg, persistent_workers=False)
    scope = cfg.get('default_scope', 'mmpretrain')
    with DefaultScope.overwrite_default_scope(scope):
        return Runner.build_dataloader(cfg.test_dataloader)


@torch.no_grad()
def _answer(inferencer: 'C2FInferencer') -> list[dict[str, Any]]:
    loader = loader_of_tests(inferencer)
    dataset: Any = loader.dataset
    meta = dataset.metainfo
    classes = meta.get('classes') or inferencer.classes
    inferencer.model.eval()
    return [
        prediction_record(sample, classes, 5, meta.get('level_classes'))
        for batch in track(
            loader,
            'Classifying',
            total=len(loader),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        for sample in inferencer.model.test_step(batch)
    ]
