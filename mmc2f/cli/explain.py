"""``mmc2f explain``: one image, its answer, and what that rests on."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mmc2f.cli.model_files import find_model, open_model
from mmc2f.cli.options import (
    CheckpointOption,
    Debug,
    Device,
    GalleryOption,
    Json,
    ModelArgument,
    Rerank,
    Trust,
    Verbose,
)
from mmc2f.cli.screen import Answers, quiet_host

if TYPE_CHECKING:
    import numpy as np

__all__ = ['explain']

NEIGHBOURS = 8


def explain(
    model: ModelArgument,
    image: Annotated[
        str,
        typer.Argument(metavar='IMAGE', show_default=False, help='A file.'),
    ],
    out: Annotated[
        Optional[Path],  # noqa: UP045 (typer before 0.15 on Python 3.10)
        typer.Option(
            '--out',
            metavar='FILE',
            show_default=False,
            help='The picture; its ending tells the format (.png, .pdf). By '
            'default explained_NAME.png in the working folder.',
        ),
    ] = None,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    rerank: Rerank = True,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Draw why an image is answered so, and say it in words.

    The picture has the image with the regions that were looked at, the
    scores before and after re-ranking, the path in the tree, and the nearest
    gallery images. --json answers with all of it as an object.
    """
    files = find_model(model, checkpoint, gallery)
    found = files.existing_gallery(gallery is not None) if rerank else None
    if not os.path.isfile(image):
        raise FileNotFoundError(f'there is no image {image!r}')
    with quiet_host() as answers:
        explained = open_model(files, found, trust, device=device)
        from mmc2f.apis.reason_text import reason_sentences

        (answer,) = explained(image, num_neighbours=NEIGHBOURS)
        if 'error' in answer:
            raise ValueError(answer['error'])
        sentences = reason_sentences(answer)
        picture = out or Path(f'explained_{Path(image).stem}.png')
        roots = list(_data_roots(explained.model._config))
        _draw(answer, image, sentences, roots, picture, answers)
        if as_json:
            facts = {**answer, 'why': sentences, 'picture': str(picture)}
            answers(json.dumps(facts, indent=2))
            return
        answers(f'{answer["pred_class"]} {answer["pred_score"]:.3f}')
        for sentence in sentences:
            answers(sentence)
        answers(f'picture: {picture}')


def _draw(
    answer: Mapping[str, Any],
    image: str,
    sentences: Sequence[str],
    roots: Sequence[str],
    picture: Path,
    answers: Answers,
) -> None:
    from mmc2f.visualization import draw_explanation, save_picture

    names = [n['image'] for n in answer.get('neighbours', ())]
    thumbnails = [_read_neighbour(name, roots) for name in names]
    lost = [n for n, t in zip(names, thumbnails, strict=True) if t is None]
    if lost:
        answers.note(
            f'mmc2f: warning: {len(lost)} of {len(names)} gallery images are '
            f'not at hand, the first is {lost[0]}'
        )
    figure = draw_explanation(
        answer, _read(image), thumbnails, sentences, Path(image).name
    )
    save_picture(figure, picture)


def _read(path: str) -> 'np.ndarray':
    """RGB image."""
    from mmc2f.apis.image_inputs import read_image

    return read_image(path)[:, :, ::-1].copy()


def _read_neighbour(name: str, roots: Sequence[str]) -> 'np.ndarray | None':
    """A gallery image by its id, which is a path below a data root."""
    for path in (os.path.join(root, name) for root in ('', *roots)):
        if os.path.isfile(path):
            try:
                return _read(path)
            # A broken file makes decoders raise errors of any type.
            except Exception:
                return None
    return None


def _data_roots(cfg: Mapping[str, Any]) -> Iterator[str]:
    """Data roots of the training set, inside of wrappers too."""

    def walk(part: Any) -> Iterator[str]:
        if isinstance(part, Mapping):
            if isinstance(part.get('data_root'), str):
                yield part['data_root']
            for value in part.values():
                yield from walk(value)
        elif isinstance(part, (list, tuple)):
            for value in part:
                yield from walk(value)

    loader = cfg.get('train_dataloader') or {}
    yield from dict.fromkeys(walk(loader.get('dataset')))
