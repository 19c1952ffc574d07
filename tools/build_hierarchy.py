"""Group the classes of a config's training set into super classes.

Writes the hierarchy as JSON, for a config's ``tree``, and a contact sheet
with the most typical image of each class, framed by cluster.

Example:
    python tools/build_hierarchy.py configs/ccfr_grocery.py \
        --out tree.json --sheet sheet.png
"""

import argparse
from pathlib import Path

from mmengine.config import Config

from mmc2f.apis import load_config
from mmc2f.apis.command_line import (
    add_device,
    add_options,
    parse,
    run_tool,
)
from mmc2f.apis.config_file import config_file
from mmc2f.apis.hierarchy_sheet import (
    configured_clustering,
    hierarchy_sheet,
)
from mmc2f.clustering import build_class_hierarchy
from mmc2f.visualization import save_picture


def number_of_clusters(text: str) -> int | str:
    """Read the value of ``--num-clusters``."""
    if text == 'silhouette':
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number nor 'silhouette'"
        ) from None


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Group the classes of a training set into super classes.'
    )
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help="weights; the config's own start where none are given",
    )
    parser.add_argument(
        '--num-clusters',
        type=number_of_clusters,
        help="number of super classes, or 'silhouette' to choose it",
    )
    parser.add_argument('--method', choices=['agglomerative', 'kmeans'])
    parser.add_argument('--out', default='tree.json', help='JSON to write')
    parser.add_argument(
        '--sheet', help='picture to write; beside --out where not given'
    )
    parser.add_argument(
        '--reference',
        help='known hierarchy to compare with: a packaged name or a file; the '
        "config's taxonomy where not given",
    )
    add_device(parser)
    add_options(parser)
    return parse(parser, args)


def choose_clustering(cfg: Config, args: argparse.Namespace) -> dict:
    """The config's clustering where it has one, changed by the options."""
    clustering = configured_clustering(cfg)
    for key in ('num_clusters', 'method'):
        if getattr(args, key) is not None:
            clustering[key] = getattr(args, key)
    return clustering


def main(argv: list[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    tree, report = build_class_hierarchy(
        cfg,
        args.checkpoint,
        choose_clustering(cfg, args),
        device=args.device,
        reference=args.reference,
    )
    out = Path(args.out)
    tree.to_json(out)
    print(report)
    print(f'hierarchy: {out}')
    examples = [path for path in report.examples if path is not None]
    if len(examples) < len(report.examples):
        print('no picture: the data set has no image files')
        return
    sheet = Path(args.sheet) if args.sheet else out.with_suffix('.png')
    save_picture(hierarchy_sheet(tree, examples), sheet)
    print(f'picture: {sheet}')


if __name__ == '__main__':
    run_tool(main)
