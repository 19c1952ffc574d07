"""``mmc2f gallery``: what the neighbours of an image are looked for in."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mmc2f.cli.model_files import GALLERY, find_model, open_model
from mmc2f.cli.options import (
    BatchSize,
    CheckpointOption,
    Debug,
    Device,
    GalleryOption,
    Json,
    ModelArgument,
    Trust,
    Verbose,
)
from mmc2f.cli.screen import Answers, quiet_host

if TYPE_CHECKING:
    from mmc2f.retrieval import Gallery

__all__ = ['app']

app = typer.Typer(
    no_args_is_help=False,
    help='Build, show and change the gallery that answers are re-ranked by.',
)
GalleryArgument = Annotated[
    Path,
    typer.Argument(
        metavar='GALLERY',
        show_default=False,
        help='File of a gallery, or a work dir that holds one.',
    ),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045 (typer before 0.15 on Python 3.10)
    typer.Option(
        '--out',
        metavar='FILE',
        show_default=False,
        help='Write the changed gallery here, and leave the old one alone.',
    ),
]


@app.command()
def build(
    model: ModelArgument,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Embed the training images of a model, as its test does."""
    files = find_model(model, checkpoint, gallery)
    with quiet_host() as answers:
        inferencer = open_model(files, None, trust, device=device)
        from mmc2f.apis.model_gallery import build_model_gallery

        built = build_model_gallery(inferencer.model, files.checkpoint)
        built.save(files.gallery)
        _tell(answers, built, files.gallery, as_json)


@app.command()
def info(
    gallery: GalleryArgument,
    as_json: Json = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Tell what a gallery holds, after a check of all of it."""
    path = _file(gallery)
    with quiet_host() as answers:
        _tell(answers, _load(path), path, as_json)


@app.command()
def add(
    model: ModelArgument,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar='IMAGE...',
            show_default=False,
            help='Images, folders or patterns, all of one class.',
        ),
    ],
    class_name: Annotated[
        str, typer.Option('--class', metavar='NAME', help='Their class.')
    ],
    is_new: Annotated[
        bool,
        typer.Option(
            '--new', help='The class is one the model was not trained on.'
        ),
    ] = False,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    out: Out = None,
    batch_size: BatchSize = 1,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Add images of a class, an old or a new one, without any training.

    Either all images are added, or the file stays as it is.
    """
    files = find_model(model, checkpoint, gallery)
    with quiet_host() as answers:
        # With the gallery, so that one of other weights is refused.
        inferencer = open_model(files, files.gallery, trust, device=device)
        from mmc2f.apis.model_gallery import embed_files

        # There is one where a gallery is given.
        assert inferencer.reranker is not None
        changed = inferencer.reranker.gallery
        inferencer.model.attach_reranker(None)
        rows, names = embed_files(inferencer, images, batch_size)
        changed.add(rows, names, class_name, is_new)
        path = out or files.gallery
        changed.save(path)
        _tell(answers, changed, path, as_json)


@app.command()
def remove(
    gallery: GalleryArgument,
    images: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            '--image', metavar='ID', help='An image, as predict names it.'
        ),
    ] = None,
    class_names: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option('--class', metavar='NAME', help='All of a class.'),
    ] = None,
    out: Out = None,
    as_json: Json = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Remove images, or all images of a class; both options may be repeated.

    A class that only the gallery knows goes with its last image.
    """
    if not images and not class_names:
        raise ValueError(
            'nothing is named that could be removed: give --image ID or '
            '--class NAME'
        )
    path = _file(gallery)
    with quiet_host() as answers:
        changed = _load(path)
        changed.remove(images or (), class_names or ())
        changed.save(out or path)
        _tell(answers, changed, out or path, as_json)


def _file(gallery: Path) -> Path:
    return gallery / GALLERY if gallery.is_dir() else gallery


def _load(path: Path) -> 'Gallery':
    from mmc2f.retrieval import load_gallery

    return load_gallery(path)


def _tell(
    answers: Answers, gallery: 'Gallery', path: Path, as_json: bool
) -> None:
    facts = _facts(gallery, path)
    if as_json:
        answers(json.dumps(facts, indent=2))
        return
    counts = [part['images'] for part in facts['classes']]
    dims = facts['dimensions']
    answers(f'{path}: {len(gallery)} images, {dims} dimensions')
    answers(f'{len(counts)} classes of {min(counts)} to {max(counts)} images')
    if facts['whiten']:
        answers(f'whitened ({facts["whiten"]})')
    for title, names in (
        ('without an image', facts['without_image']),
        ('only in the gallery', facts['only_in_gallery']),
    ):
        if names:
            answers(f'{title}: {", ".join(names)}')
    weights = facts['fingerprint'].get('weights', 'unknown')
    answers(f'made by weights {weights[:12]}')


def _facts(gallery: 'Gallery', path: Path) -> dict[str, Any]:
    counts = gallery.labels.bincount(minlength=gallery.num_classes).tolist()
    names = gallery.class_names or [str(c) for c in range(len(counts))]
    return {
        'gallery': str(path),
        'images': len(gallery),
        'dimensions': gallery.embeddings.shape[1],
        'whiten': gallery.whiten,
        'classes': [
            {'class': name, 'images': count}
            for name, count in zip(names, counts, strict=True)
        ],
        'without_image': [names[c] for c in gallery.missing_classes],
        'only_in_gallery': gallery.added_classes,
        'fingerprint': gallery.fingerprint,
    }
