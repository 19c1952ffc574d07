"""Writes a trained model to one ONNX file that needs nothing beside it."""

import json
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mmc2f.apis.load_model import gallery_options, trained_classes
from mmc2f.datasets.train_loader_in_test_mode import gallery_views
from mmc2f.deploy.image_steps import input_shape, plain_steps
from mmc2f.deploy.onnx_graph import ClassifierGraph, make_graph
from mmc2f.files.whole_file import written_whole
from mmc2f.retrieval.fingerprint import model_fingerprint

if TYPE_CHECKING:
    from mmc2f.apis.inferencer import C2FInferencer

__all__ = ['OPSET', 'export_onnx']

#: The first whose Resize shrinks as torch does with ``antialias``.
OPSET = 18
FORMAT = 'mmc2f.onnx.1'
NEEDS = ('onnx', 'onnxscript', 'onnxruntime')
#: Largest difference of an output from PyTorch's.
TOLERANCE = 1e-3


def export_onnx(
    inferencer: 'C2FInferencer',
    path: str | os.PathLike,
    checkpoint: str | None = None,
    size: tuple[int, int] | None = None,
) -> dict[str, float]:
    """Write a model as ONNX, and check the file by ONNX Runtime.

    Input ``images``: ``(B, 3, H, W)`` uint8 in the order R, G, B, of any
    batch size; the normalisation is in the graph. Outputs ``coarse (B, C)``,
    probabilities, and ``embedding (B, D)``; of CCFR also ``boxes
    (B, R, 4)`` in pixels of the input and ``box_scores (B, R)``; of a
    hierarchical head ``level_1 (B, C_1)`` and so on. The file's metadata hold
    the class names, the input's size, mean and standard deviation, the test
    pipeline, the digests that a gallery is checked by, and the re-ranking.
    :class:`mmc2f.deploy.onnx_classifier.OnnxClassifier` answers from it.

    Args:
        inferencer: Of the model, without a cascade.
        path: File to write; the former one stays until it is checked.
        checkpoint: Beside which tuned parameters of the re-ranking lie.
        size: (H, W) of the input, where the test pipeline does not bring all
            images to one.

    Returns:
        The largest difference of each output from PyTorch's; of the
        embedding 1 - cosine.

    Raises:
        ImportError: A package of ``requirements/export.txt`` is missing.
        ValueError: The model or its pipeline cannot be exported, or the size
            is not known.
        RuntimeError: The file answers otherwise than PyTorch.
    """
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'the export needs {", ".join(missing)}; run: '
            "pip install 'mmc2f[export]'"
        )
    cfg = inferencer.model._config
    steps = plain_steps(_pipeline(cfg))
    size = input_shape(steps) or size or _stated_size(cfg)
    graph = make_graph(inferencer.model).cpu()
    # Two images: a batch of one would be taken for a constant.
    images = _noise(2, size)
    with torch.no_grad(), _quietly(), written_whole(path) as part:
        # First, for torch.onnx would silently fix a size that it cannot leave
        # open.
        recorded = torch.export.export(
            graph,
            (images,),
            dynamic_shapes=({0: torch.export.Dim('batch')},),
            strict=False,
        )
        program = torch.onnx.export(
            recorded,
            input_names=['images'],
            output_names=graph.output_names,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        facts = _facts(inferencer, graph, steps, size, checkpoint)
        program.model.metadata_props.update(facts)
        program.save(str(part), external_data=False)
        return _check(graph, part, size)


def _pipeline(cfg: Any) -> list:
    dataset = cfg.test_dataloader.dataset
    return list(dataset.pipeline)


def _stated_size(cfg: Any) -> tuple[int, int]:
    side = cfg.get('input_size')
    if not isinstance(side, int):
        raise ValueError(
            'the test pipeline does not bring all images to one size: say '
            'which one the file is for (--size)'
        )
    return side, side


def _noise(batch: int, size: tuple[int, int]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(
        0, 256, (batch, 3, *size), dtype=torch.uint8, generator=generator
    )


def _facts(
    inferencer: 'C2FInferencer',
    graph: ClassifierGraph,
    steps: list[dict[str, Any]],
    size: tuple[int, int],
    checkpoint: str | None,
) -> dict[str, str]:
    """What the file knows beside the graph, as JSON by name."""
    model, tree = inferencer.model, inferencer.tree
    cfg = model._config
    # As the gallery knows them, which may be none.
    classes = trained_classes(model) or []
    made_by = model_fingerprint(cfg, model, classes, gallery_views(cfg))
    rule, gallery = gallery_options(cfg, checkpoint, made_by['weights'])
    scales = None
    if hasattr(model, 'nms'):
        zeros = torch.zeros(1, 3, *size)
        scales = model.embed(zeros).regions.scale_ids.tolist()
    levels = None
    if tree is not None:
        levels = [
            dict(
                name=name,
                classes=list(tree.names(name)),
                of_finest=tree.ancestors(name).tolist(),
            )
            for name in tree.levels
        ]
    facts = dict(
        format=FORMAT,
        model=type(model).__name__,
        opset=OPSET,
        classes=list(inferencer.classes),
        input_size=list(size),
        channels='RGB',
        mean=graph.mean.flatten().tolist(),
        std=graph.std.flatten().tolist(),
        steps=steps,
        box_scales=scales,
        levels=levels,
        made_by=made_by,
        rerank=dict(rule),
        gallery=dict(gallery),
    )
    return {name: json.dumps(value) for name, value in facts.items()}


def _check(
    graph: ClassifierGraph, path: Path, size: tuple[int, int]
) -> dict[str, float]:
    """Compare the file with the graph, for another batch size."""
    import onnxruntime

    images = _noise(3, size)
    expected = graph(images)
    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider']
    )
    found = session.run(graph.output_names, {'images': images.numpy()})
    differences = {
        name: _difference(name, a, b.numpy())
        for name, a, b in zip(
            graph.output_names, found, expected, strict=True
        )
    }
    worst = max(differences, key=lambda name: differences[name])
    if not differences[worst] <= TOLERANCE:
        raise RuntimeError(
            f'the exported model answers otherwise than PyTorch: its {worst} '
            f'differs by {differences[worst]:.2g}'
        )
    return differences


def _difference(name: str, found: np.ndarray, expected: np.ndarray) -> float:
    """The largest; of embeddings 1 - cosine, by which they are compared.

    The signed root of MLPH's pooling has no bound on its slope at 0, so that
    single numbers near it differ by the root of what was rounded.
    """
    if name != 'embedding':
        return float(np.abs(found - expected).max())
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / lengths
    return float(np.abs(1 - cosines).max())


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's notes, of which none is for the user."""
    noisy = [logging.getLogger(name) for name in ('torch', 'onnxscript')]
    levels = [logger.level for logger in noisy]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for logger in noisy:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(noisy, levels, strict=True):
                logger.setLevel(level)
