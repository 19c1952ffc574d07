"""``mmc2f explain``: one image, its answer, and what that rests on."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mmc2f.cli.model_files import find_model, open_answering_model
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
    from mmc2f import C2FInferencer

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
    if not os.path.isfile(image):
        raise FileNotFoundError(f'there is no image {image!r}')
    with quiet_host() as answers:
        explained = open_answering_model(
            files, rerank, trust, answers, device=device
        )
        from mmc2f.apis.reason_text import reason_sentences

        (answer,) = explained(image, num_neighbours=NEIGHBOURS)
        if 'error' in answer:
            raise ValueError(answer['error'])
        sentences = reason_sentences(answer)
        picture = out or Path(f'explained_{Path(image).stem}.png')
        _draw(explained, answer, image, sentences, picture, answers)
        if as_json:
            facts = {**answer, 'why': sentences, 'picture': str(picture)}
            answers(json.dumps(facts, indent=2))
            return
        answers(f'{answer["pred_class"]} {answer["pred_score"]:.3f}')
        for sentence in sentences:
            answers(sentence)
        answers(f'picture: {picture}')


def _draw(
    explained: 'C2FInferencer',
    answer: Mapping[str, Any],
    image: str,
    sentences: Sequence[str],
    picture: Path,
    answers: Answers,
) -> None:
    from mmc2f.apis.gallery_images import GalleryImages, read_rgb
    from mmc2f.visualization import draw_explanation, save_picture

    gallery = GalleryImages(explained.model._config)
    names = [n['image'] for n in answer.get('neighbours', ())]
    thumbnails = [gallery.read(name) for name in names]
    lost = [n for n, t in zip(names, thumbnails, strict=True) if t is None]
    if lost:
        answers.note(
            f'mmc2f: warning: {len(lost)} of {len(names)} gallery images are '
            f'not at hand, the first is {lost[0]}'
        )
    figure = draw_explanation(
        answer, read_rgb(image), thumbnails, sentences, Path(image).name
    )
    save_picture(figure, picture)
