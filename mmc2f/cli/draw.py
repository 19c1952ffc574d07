"""``mmc2f draw``: pictures of a trained model, one command each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mmc2f.cli import draw_measured
from mmc2f.cli.draw_options import Out, finish
from mmc2f.cli.model_files import ModelFiles, find_model, open_model
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

__all__ = ['app']

app = typer.Typer(
    no_args_is_help=False,
    help='Draw what a model does: its regions, errors, embeddings and curves.',
)
app.command()(draw_measured.clusters)
app.command()(draw_measured.sweep)
app.command()(draw_measured.resolutions)
app.command('map')(draw_measured.embeddings)
Predictions = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        '--predictions',
        metavar='FILE',
        show_default=False,
        help='What mmc2f test --out has written; by default predictions.jsonl '
        'beside the checkpoint, where it is newer; else the model answers '
        'the test images now.',
    ),
]


@app.command()
def boxes(
    model: ModelArgument,
    out: Out = None,
    num: Annotated[int, typer.Option(min=1, help='Images to show.')] = 8,
    predictions: Predictions = None,
    checkpoint: CheckpointOption = None,
    device: Device = None,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Regions that were chosen at each scale, on images of many classes."""
    files = find_model(model, checkpoint)
    with quiet_host() as answers:
        inferencer = open_model(files, None, trust, device=device)
        records = _records(inferencer, files, predictions, answers)
        from mmc2f.visualization import region_sheet

        step = max(1, len(records) // num)
        read = _query_reader(inferencer)
        picture = region_sheet(records[::step][:num], read)
        finish(answers, picture, out, 'boxes')


@app.command()
def rerank(
    model: ModelArgument,
    out: Out = None,
    which: Annotated[
        str,
        typer.Option(
            metavar='first|mended|broken|wrong',
            help='Cases that re-ranking has mended, broken, or left wrong.',
        ),
    ] = 'mended',
    place: Annotated[
        int, typer.Option(min=0, help='Which of these cases, from 0.')
    ] = 0,
    predictions: Predictions = None,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    device: Device = None,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """A case of re-ranking: both scores and the nearest training images."""
    files = find_model(model, checkpoint, gallery)
    with quiet_host() as answers:
        from mmc2f.retrieval.chosen_predictions import CHOICES

        if which not in CHOICES:
            raise ValueError(
                f'there are no cases {which!r}: take {", ".join(CHOICES)}'
            )
        inferencer = open_model(
            files,
            files.existing_gallery(),
            trust,
            device=device,
        )
        records = _records(inferencer, files, predictions, answers)
        if not any('reranked' in record for record in records):
            raise ValueError(
                'nothing was re-ranked: make a gallery first, by mmc2f '
                f'gallery build {model}'
            )
        found = [record for record in records if CHOICES[which](record)]
        if place >= len(found):
            raise ValueError(
                f'{len(found)} of {len(records)} predictions are {which!r}, '
                f'so there is none in place {place}'
            )
        from mmc2f.apis.gallery_images import GalleryImages
        from mmc2f.visualization import draw_record

        shown = found[place]
        image = _query_reader(inferencer)(shown)
        training = GalleryImages(inferencer.model._config)
        picture = draw_record(
            shown, image, lambda entry: training.read(entry['image'])
        )
        finish(answers, picture, out, 'rerank')


@app.command()
def confusion(
    model: ModelArgument,
    out: Out = None,
    predictions: Predictions = None,
    checkpoint: CheckpointOption = None,
    gallery: GalleryOption = None,
    rerank: Rerank = True,
    device: Device = None,
    as_json: Json = False,
    trust: Trust = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Which classes are taken for which, inside and across super classes."""
    files = find_model(model, checkpoint, gallery)
    with quiet_host() as answers:
        inferencer = open_model(
            files,
            files.existing_gallery() if rerank else None,
            trust,
            device=device,
        )
        records = _records(inferencer, files, predictions, answers)
        from mmc2f.visualization.confusion_picture import confusion_picture

        picture, facts = confusion_picture(
            records, inferencer.classes, inferencer.tree, rerank
        )
        finish(answers, picture, out, 'confusion', facts if as_json else None)
        if not as_json:
            for name, share in facts['shares'].items():
                answers(f'{name}: {100 * share:.2f} %')


def _records(
    inferencer: 'C2FInferencer',
    files: ModelFiles,
    predictions: Path | None,
    answers: Answers,
) -> list[dict[str, Any]]:
    """Predictions at the finest level; says where they are from."""
    from mmc2f.apis.predictions import find_predictions, predicted_records
    from mmc2f.retrieval.chosen_predictions import in_first_view

    found = predictions or find_predictions(files.checkpoint)
    if found is not None:
        answers.note(f'mmc2f: of the predictions in {found}')
    return in_first_view(predicted_records(inferencer, found))


def _query_reader(inferencer: 'C2FInferencer') -> Any:
    """Gives the image of a record as the model has seen it."""
    from mmc2f.apis.predictions import loader_of_tests
    from mmc2f.datasets.image_source import ImageSource

    source = ImageSource(loader_of_tests(inferencer).dataset)

    def read(record: dict[str, Any]) -> Any:
        try:
            return source(record['image'], record.get('view'))
        except KeyError as error:
            raise ValueError(error.args[0]) from error

    return read
