"""``mmc2f export``: a trained model as one ONNX file."""

import json
from pathlib import Path
from typing import Annotated, Optional

import typer

from mmc2f.cli.model_files import find_model, open_model
from mmc2f.cli.options import Debug, Json, ModelArgument, Trust, Verbose
from mmc2f.cli.screen import quiet_host

__all__ = ['export']


def export(
    model: ModelArgument,
    checkpoint: Annotated[
        Optional[Path],  # noqa: UP045 (typer before 0.15 on Python 3.10)
        typer.Argument(
            metavar='[CHECKPOINT]',
            show_default=False,
            help='Weights; by default the last of the work dir.',
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option('--out', metavar='FILE', help='The file.')
    ] = Path('model.onnx'),
    size: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=1,
            metavar='PIXELS',
            show_default=False,
            help='Side of the input, where the test pipeline does not bring '
            'all images to one size.',
        ),
    ] = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Write a model as ONNX, and check the file by ONNX Runtime.

    The graph has all of CCFR: both passes, the choice of the regions, the
    embedding, the softmax; for MLPH and plain classifiers the embedding and
    the softmax of each level. Any batch size. Re-ranking needs the gallery
    and is done by mmc2f.deploy.onnx_classifier.OnnxClassifier. Needs the
    packages of the extra 'export'.
    """
    files = find_model(model, checkpoint)
    with quiet_host() as answers:
        predict = open_model(files, None, trust, device='cpu')
        from mmc2f.deploy.export_onnx import export_onnx

        side = None if size is None else (size, size)
        differences = export_onnx(predict, out, files.checkpoint, side)
        if as_json:
            facts = dict(file=str(out), differences=differences)
            answers(json.dumps(facts))
        else:
            worst = max(differences.values())
            answers(f'{out}\tdiffers from PyTorch by {worst:.1g} at most')
