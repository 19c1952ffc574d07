"""Find the resolutions at which a classifier should ask a coarser question.

Section 2 of "Coarse-to-Fine Grained Classification": images are lowered
until the accuracy at the finest level drops below a threshold, which gives
r_med, then until the next level does, which gives r_low. The classifier is
any that the config and checkpoint describe.

Example:
    python tools/search_resolution.py configs/baseline_grocery.py \
        work_dirs/baseline_grocery/epoch_6.pth --relative
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import rich
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmpretrain import get_model
from rich.table import Table

from mmc2f.apis import complete_dataloaders, load_config
from mmc2f.apis.command_line import (
    add_device,
    add_options,
    parse,
    run_tool,
)
from mmc2f.apis.config_file import config_file
from mmc2f.datasets.resolution_loader import resolution_loader
from mmc2f.evaluation import (
    ResolutionCurves,
    measure_curves,
    search_resolutions,
)
from mmc2f.files import write_json
from mmc2f.structures import LabelTree
from mmc2f.visualization import draw_resolutions, save_picture
from mmc2f.weights import load_checkpoint

#: t_med and t_low of the paper.
THRESHOLD = 0.8
MOST_THRESHOLDS = 2
# By their number.
VIEW_NAMES = {2: ('high', 'low'), 3: ('high', 'medium', 'low')}


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Find r_med and r_low from a trained classifier'
    )
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--thresholds',
        type=float,
        nargs='+',
        metavar='T',
        help='t_med, t_low, ...: one for each level from the finest on but '
        'the coarsest; 0.8 for the first two where not given',
    )
    parser.add_argument(
        '--relative',
        action='store_true',
        help="thresholds are shares of that level's accuracy at the highest "
        'resolution',
    )
    parser.add_argument(
        '--resolutions',
        type=int,
        nargs='+',
        metavar='PIXELS',
        help='to try; 13 from the input size down where not given',
    )
    parser.add_argument(
        '--split',
        choices=['val', 'train'],
        default='val',
        help='images to measure on',
    )
    parser.add_argument(
        '--tree',
        help="packaged hierarchy or file; the config's taxonomy where not "
        'given',
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='folder for resolutions.json and resolutions.png; the '
        "config's folder in work_dirs where not given",
    )
    add_device(parser)
    add_options(parser)
    return parse(parser, args)


def build_tree(cfg: Config, spec: str | None) -> LabelTree:
    """The hierarchy named on the command line, else the config's.

    Raises:
        SystemExit: Neither names one, or it has one level only.
    """
    spec = spec or cfg.get('taxonomy')
    if spec is None:
        raise SystemExit(
            'the config has no taxonomy: name a hierarchy with --tree, such '
            'as one that tools/build_hierarchy.py wrote'
        )
    tree = LabelTree.build(spec)
    if tree.num_levels < 2:
        raise SystemExit(
            f'the hierarchy has only the level {tree.levels[0]!r}: there is '
            'none to change to at a lower resolution'
        )
    return tree


def choose_shares(
    thresholds: Sequence[float] | None, tree: LabelTree
) -> list[float]:
    """The thresholds of the command line, or the paper's.

    Raises:
        SystemExit: There are as many thresholds as levels, or more.
    """
    most = tree.num_levels - 1
    if thresholds is None:
        return [THRESHOLD] * min(MOST_THRESHOLDS, most)
    if len(thresholds) > most:
        raise SystemExit(
            f'{len(thresholds)} thresholds for {tree.num_levels} levels: the '
            f'coarsest, {tree.levels[-1]!r}, has no other to change to, so '
            f'give at most {most}'
        )
    return list(thresholds)


def views_of(levels: Sequence[str], found: Sequence[int]) -> list[dict]:
    """Views of ``mmc2f.MultiResolutionDataset``, the first as it is."""
    count = 1 + len(found)
    names = VIEW_NAMES.get(count, levels[:count])
    return [
        dict(name=name, level=level, resolution=resolution)
        for name, level, resolution in zip(
            names, levels[:count], (None, *found), strict=True
        )
    ]


def config_text(views: Sequence[dict]) -> str:
    """The views as they stand in a config."""
    rows = [
        '    dict('
        + ', '.join(f'{key}={value!r}' for key, value in view.items())
        + '),\n'
        for view in views
    ]
    return f'views = [\n{"".join(rows)}]'


def curve_table(curves: ResolutionCurves, found: Sequence[int]) -> Table:
    """One row per resolution, one column per level."""
    table = Table(
        caption='* where the next level takes over',
        caption_justify='left',
    )
    table.add_column('accuracy, %', justify='right')
    for name in curves.levels:
        table.add_column(name, justify='right')
    ends = set(enumerate(found))
    for row, resolution in enumerate(curves.resolutions):
        cells = [
            f'{100 * curve[row]:.2f}'
            + ('*' if (level, resolution) in ends else ' ')
            for level, curve in enumerate(curves.accuracies)
        ]
        table.add_row(f'{resolution} px', *cells)
    return table


def measure(
    cfg: Config, args: argparse.Namespace, tree: LabelTree
) -> ResolutionCurves:
    """Accuracy of every level at every resolution."""
    complete_dataloaders(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    dataloader = resolution_loader(cfg, tree, args.resolutions, args.split)
    device = args.device or get_device()
    model = get_model(cfg, device=device)
    load_checkpoint(model, args.checkpoint)
    return measure_curves(model, dataloader, tree)


def write(
    out: Path,
    curves: ResolutionCurves,
    thresholds: Sequence[float],
    found: Sequence[int],
) -> None:
    """Leave figures and picture in a folder."""
    record = {
        **curves.to_dict(),
        'thresholds': list(thresholds),
        'found': list(found),
        'views': views_of(curves.levels, found) if found else None,
    }
    file = out / 'resolutions.json'
    write_json(file, record, indent=2)
    picture = out / 'resolutions.png'
    figure = draw_resolutions(
        *(curves.levels, curves.resolutions, curves.accuracies),
        thresholds,
        found,
    )
    save_picture(figure, picture)
    print(f'curves: {file}\npicture: {picture}')


def main(argv: list[str] | None = None) -> list[dict]:
    """Search, and say what to write in a config; returns the views.

    Raises:
        SystemExit: The search finds nothing. The curves are written all the
            same, since they tell which thresholds would do.
    """
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    tree = build_tree(cfg, args.tree)
    thresholds = choose_shares(args.thresholds, tree)
    curves = measure(cfg, args, tree)
    found: Sequence[int] = ()
    failure = None
    try:
        if args.relative:
            thresholds = curves.relative_thresholds(thresholds)
        found = search_resolutions(
            curves.accuracy_of, curves.resolutions, thresholds
        )
    except ValueError as error:
        failure = str(error)
    rich.print(curve_table(curves, found))
    name = Path(args.config).stem
    out = args.out or Path(cfg.get('work_dir') or f'work_dirs/{name}')
    write(out, curves, thresholds, found)
    if failure:
        raise SystemExit(failure)
    views = views_of(curves.levels, found)
    print(config_text(views))
    return views


if __name__ == '__main__':
    run_tool(main)
