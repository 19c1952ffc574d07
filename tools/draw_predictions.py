"""Draw why a model answered so, from what ``tools/test.py --out`` wrote.

Example:
    python tools/draw_predictions.py CONFIG predictions.jsonl --which mended
"""

import argparse
from pathlib import Path

from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from rich.progress import track

from mmc2f.apis import complete_dataloaders, load_config
from mmc2f.apis.command_line import add_options, parse, run_tool
from mmc2f.apis.config_file import config_file
from mmc2f.datasets.image_source import ImageSource
from mmc2f.datasets.train_loader_in_test_mode import (
    train_loader_in_test_mode,
)
from mmc2f.retrieval.chosen_predictions import CHOICES
from mmc2f.retrieval.prediction_file import read_predictions
from mmc2f.visualization import draw_record, save_picture


def of_view(records: list[dict], view: str) -> list[dict]:
    """The predictions in a view.

    Raises:
        SystemExit: There is none; says which views there are.
    """
    views = {record.get('view'): None for record in records}
    if view not in views:
        known = ', '.join(name for name in views if name) or 'none'
        raise SystemExit(f'no prediction has view {view!r}; views: {known}')
    return [record for record in records if record.get('view') == view]


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Draw predictions')
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('predictions', type=Path, help='JSON lines to draw')
    parser.add_argument('--out', type=Path, help='folder for the pictures')
    parser.add_argument('--which', choices=CHOICES, default='first')
    parser.add_argument(
        '--view', help='only those in this view, of several resolutions'
    )
    parser.add_argument('--num', type=int, default=4, help='at most so many')
    add_options(parser)
    return parse(parser, args)


def draw(
    record: dict, queries: ImageSource, gallery: ImageSource, out: Path
) -> None:
    """Write the picture of one prediction.

    Raises:
        KeyError: The data set has no such image.
    """
    if record['image'] is None:
        raise KeyError('a prediction that was chosen is of no image file')
    picture = draw_record(
        record,
        queries(record['image'], record.get('view')),
        lambda neighbour: gallery(neighbour['image']),
    )
    save_picture(picture, out)


def main(argv: list[str] | None = None) -> list[Path]:
    """Draw the chosen predictions; returns the files."""
    args = parse_args(argv)
    records = [record for _, record in read_predictions(args.predictions)]
    if not records:
        raise SystemExit(f'{args.predictions} holds no prediction')
    if args.view is not None:
        records = of_view(records, args.view)
    chosen = [r for r in records if CHOICES[args.which](r)][: args.num]
    if not chosen:
        print(f'None of {len(records)} predictions is "{args.which}".')
        return []
    cfg = load_config(args.config, args.cfg_options)
    complete_dataloaders(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    queries = ImageSource(Runner.build_dataloader(cfg.test_dataloader).dataset)
    gallery = ImageSource(train_loader_in_test_mode(cfg).dataset)
    out = args.out or args.predictions.parent
    files = []
    for i, record in enumerate(track(chosen, description='Drawing')):
        files.append(out / f'{args.which}_{i}.png')
        try:
            draw(record, queries, gallery, files[-1])
        except KeyError as error:
            raise SystemExit(f'{args.predictions}: {error.args[0]}') from error
    print('\n'.join(map(str, files)))
    return files


if __name__ == '__main__':
    run_tool(main)
