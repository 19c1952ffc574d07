"""``mmc2f serve``: a page in the browser to try a model on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from mmc2f.cli.model_files import (
    ModelFiles,
    find_model,
    open_answering_model,
)
from mmc2f.cli.options import (
    CheckpointOption,
    Debug,
    Device,
    GalleryOption,
    ModelArgument,
    Rerank,
    Trust,
    Verbose,
)
from mmc2f.cli.screen import SETTINGS, quiet_host

__all__ = ['HostOption', 'check_web', 'serve', 'serve_model']

HOST, PORT = '127.0.0.1', 7860
MEGABYTES, MEGAPIXELS, SECONDS = 10.0, 25.0, 30.0
HostOption = Annotated[
    str,
    typer.Option(
        metavar='ADDRESS',
        help='Who can reach the page: by default this machine alone; 0.0.0.0 '
        'opens it to the network, without a password.',
    ),
]


def serve(
    model: ModelArgument,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    rerank: Rerank = True,
    examples: Annotated[
        Optional[Path],  # noqa: UP045 (typer before 0.15 on Python 3.10)
        typer.Option(
            metavar='FOLDER',
            show_default=False,
            help='Images to try, one of each class.',
        ),
    ] = None,
    host: HostOption = HOST,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help='0 takes any that is free.'),
    ] = PORT,
    max_megabytes: Annotated[
        float, typer.Option(help='10^6 bytes that an image may have.')
    ] = MEGABYTES,
    max_megapixels: Annotated[
        float, typer.Option(help='10^6 pixels that an image may have.')
    ] = MEGAPIXELS,
    max_seconds: Annotated[
        float,
        typer.Option(help='From an image to its answer; a later one is lost.'),
    ] = SECONDS,
    device: Device = None,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Try a model in the browser, on a page of this machine.

    Drop an image: the page shows the regions that were looked at, the scores
    before and after re-ranking, the nearest gallery images and the path in
    the tree. Its sliders re-rank anew without another forward pass. Ctrl-C
    ends it. Needs the extra web.
    """
    check_web()
    files = find_model(model, checkpoint, gallery)
    serve_model(
        files,
        rerank,
        examples,
        (host, port),
        dict(
            megabytes=max_megabytes,
            megapixels=max_megapixels,
            seconds=max_seconds,
        ),
        trust=trust,
        device=device,
    )


def check_web() -> None:
    """The page's packages are installed.

    Raises:
        ImportError: With the command that installs them.
    """
    if find_spec('gradio') is None:
        raise ImportError(
            'the page needs gradio, which is not installed; run: pip install '
            "'mmc2f[web]'"
        )


def serve_model(
    files: ModelFiles,
    rerank: bool,
    examples: Path | None = None,
    place: tuple[str, int] = (HOST, PORT),
    limits: dict[str, float] | None = None,
    trust: bool = False,
    **options: Any,
) -> None:
    """Serve the page of a model until Ctrl-C.

    Args:
        files: Of the model.
        rerank: Whether to re-rank.
        examples: Folder of images to try.
        place: Address and port.
        limits: Of :class:`mmc2f.web.upload.UploadLimits`.
        trust: See :mod:`mmc2f.weights.trust`.
        **options: Further arguments of :class:`mmc2f.C2FInferencer`.
    """
    with quiet_host() as answers:
        from mmc2f.web.examples import Examples
        from mmc2f.web.live_answers import LiveAnswers
        from mmc2f.web.server import listen, serve
        from mmc2f.web.upload import UploadLimits
        from mmc2f.web.visit import Visits

        # What can be wrong is told before the model is read.
        bounds = UploadLimits(**limits or {})
        tried = Examples.in_folder(examples) if examples else Examples()
        with listen(*place) as opened:
            model = open_answering_model(
                files, rerank, trust, answers, **options
            )
            visits = Visits(LiveAnswers(model), bounds, tried)
            title = Path(files.config).stem
            with _quiet_server():
                serve(visits, opened, title, place[0], answers)


@contextmanager
def _quiet_server() -> Iterator[None]:
    """Tracebacks, as of malformed requests, go where the host's words go."""
    if SETTINGS.verbose:
        yield
        return
    with redirect_stderr(sys.stdout):
        yield
