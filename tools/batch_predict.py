"""Classify and re-rank many images on Ray Data, into parquet files.

IMAGES is a folder, a .csv or a .parquet file with a column of paths, or a
folder of .parquet files. OUT/predictions gets one row an image, in files of
--part-size rows; an image that cannot be read is a row with its error.

The same command goes on after whatever stopped it: files that are finished
are kept. Ray is started on this machine, or is a cluster by --address, whose
machines see all paths under the same names.

Example:
    python tools/batch_predict.py configs/ccfr_grocery.py \
        work_dirs/ccfr_grocery/epoch_6.pth my_images --out work_dirs/answers \
        --gallery work_dirs/ccfr_grocery/gallery.safetensors --workers 4
"""

import argparse
import os

import torch

from mmc2f.apis import load_config
from mmc2f.apis.batch_predict import (
    JobSummary,
    PredictionSettings,
    RayOptions,
    batch_predict,
)
from mmc2f.apis.command_line import add_options, parse, run_tool
from mmc2f.apis.config_file import find_config


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Classify and re-rank many images on Ray Data',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('config', help='config file, or name of one')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('images', help='folder, .csv or .parquet')
    parser.add_argument('--out', required=True, help='folder of the answers')
    parser.add_argument(
        '--gallery', help='gallery of tools/test.py; without it no re-ranking'
    )
    parser.add_argument(
        '--column', default='image', help='column of the paths'
    )
    parser.add_argument(
        '--root', default='', help='folder that paths are relative to'
    )
    parser.add_argument(
        '--part-size', type=int, default=1000, help='images in a file'
    )
    parser.add_argument(
        '--batch-size', type=int, default=32, help='images at a time'
    )
    parser.add_argument('--topn', type=int, default=5, help='classes listed')
    parser.add_argument(
        '--num-neighbours', type=int, default=5, help='neighbours listed'
    )
    parser.add_argument(
        '--address',
        default='local',
        help='running Ray cluster: auto, or ray://HOST:10001',
    )
    parser.add_argument(
        '--workers', type=int, default=1, help='models at work at a time'
    )
    parser.add_argument(
        '--cpus-per-worker', type=float, default=1, help='cores of each'
    )
    parser.add_argument(
        '--gpus-per-worker',
        type=float,
        help='GPUs of each, such as 0.25; where not given 1 if this machine '
        'has one, else 0',
    )
    add_options(parser)
    return parse(parser, args)


def settings_of(args: argparse.Namespace) -> PredictionSettings:
    """What the answers depend on; absolute paths, for other machines."""
    cfg = load_config(find_config(args.config), args.cfg_options)
    gallery = args.gallery and os.path.abspath(args.gallery)
    return PredictionSettings(
        config=cfg.to_dict(),
        checkpoint=os.path.abspath(args.checkpoint),
        gallery=gallery,
        topn=args.topn,
        num_neighbours=args.num_neighbours,
        batch_size=args.batch_size,
        device='cuda' if args.gpus_per_worker else 'cpu',
        trust=args.trust,
    )


def main(args: list[str] | None = None) -> JobSummary:
    """Predict, and say what became of it."""
    given = parse_args(args)
    if given.gpus_per_worker is None:
        given.gpus_per_worker = float(torch.cuda.is_available())
    options = RayOptions(
        given.address,
        given.workers,
        given.cpus_per_worker,
        given.gpus_per_worker,
    )
    summary = batch_predict(
        given.images,
        given.out,
        settings_of(given),
        options,
        given.column,
        given.root,
        given.part_size,
    )
    print(
        f'{summary.num_images} images, {summary.num_errors} of them could not '
        f'be read; {summary.num_parts} files, {summary.num_kept} of them '
        f'from before: {os.path.join(given.out, "predictions")}'
    )
    return summary


if __name__ == '__main__':
    run_tool(main)
