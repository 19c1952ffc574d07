"""``mmc2f predict``: a line for each image."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from mmc2f.cli.model_files import find_model, open_answering_model
from mmc2f.cli.options import (
    BatchSize,
    Cascade,
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
from mmc2f.cli.screen import quiet_host

__all__ = ['predict']

#: In place of paths: one a line, from standard input.
STANDARD_INPUT = '-'


def predict(
    model: ModelArgument,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar='IMAGE...',
            show_default=False,
            help="Images, folders, or patterns such as '**/*.jpg'; - reads "
            'paths from standard input, one a line.',
        ),
    ],
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    rerank: Rerank = True,
    cascade: Cascade = None,
    topn: Annotated[
        int, typer.Option(min=1, help='Classes that --json lists.')
    ] = 5,
    batch_size: BatchSize = 1,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> int:
    """Classify images: a line each, as soon as it is known.

    A line holds image, class, score and, where re-ranking has changed the
    answer, the class before. With --json it is an object, see the page
    "Predicting" of the documentation. A file that cannot be read is named
    on standard error and stops nothing; the exit code then is 1.
    """
    files = find_model(model, checkpoint, gallery)
    num_images = num_errors = 0
    with quiet_host() as answers:
        answer_all = open_answering_model(
            files,
            rerank,
            trust,
            answers,
            device=device,
            cascade=cascade if cascade in (None, 'auto') else float(cascade),
        )
        asked = _from_standard_input(images)
        for answer in answer_all.stream(
            asked, batch_size=batch_size, topn=topn
        ):
            num_images += 1
            if 'error' in answer:
                num_errors += 1
                answers.note(f'mmc2f: {answer["error"]}')
            if as_json:
                answers(json.dumps(answer))
            elif 'error' not in answer:
                answers(_line(answer))
        if num_errors:
            answers.note(
                f'mmc2f: error: {num_errors} of {num_images} inputs have no '
                'answer'
            )
    return int(num_errors > 0)


def _from_standard_input(images: list[str]) -> list[str] | Iterator[str]:
    """The paths, read no further than needed where they are piped in."""
    if images != [STANDARD_INPUT]:
        return images
    lines = (line.rstrip('\n') for line in sys.stdin)
    return (line for line in lines if line)


def _line(answer: dict[str, Any]) -> str:
    columns = [
        answer['image'],
        answer['pred_class'],
        f'{answer["pred_score"]:.3f}',
    ]
    if answer['coarse_class'] != answer['pred_class']:
        columns.append(
            f'before re-ranking {answer["coarse_class"]} '
            f'{answer["coarse_score"]:.3f}'
        )
    return '\t'.join(columns)
