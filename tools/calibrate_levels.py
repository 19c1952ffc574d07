"""Calibrate how sure a model must be to answer at each level.

Runs a trained model on the validation images of its config, finds for each
level the confidence from which on its answers are right often enough, and
prints them as the config of ``mmc2f.HierarchicalHead`` takes them. The model
may also be a plain classifier; its levels are then sums of its probabilities.

With --combine it finds instead what answers each level best: the level's own
classifier, the finest one, or both.

Example:
    python tools/calibrate_levels.py configs/mlph_grocery.py \
        work_dirs/mlph_grocery/epoch_6.pth --target 0.9 --each-view
    python tools/calibrate_levels.py configs/mlph_grocery.py \
        work_dirs/mlph_grocery/epoch_6.pth --combine
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from mmc2f.apis import complete_dataloaders, load_config
from mmc2f.apis.command_line import add_options, parse, run_tool
from mmc2f.apis.config_file import config_file
from mmc2f.apis.label_tree import tree_of_checkpoint
from mmc2f.engine import StrictRunner
from mmc2f.files import read_json
from mmc2f.structures import LabelTree
from mmc2f.visualization import draw_coverage, save_picture

HEAD = 'HierarchicalHead'
RERANK_HOOK = 'mmc2f.ReRankHook'


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Calibrate how sure a model must be to answer'
    )
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--target',
        type=float,
        default=0.9,
        help='share of right answers to reach; the default is 0.9',
    )
    parser.add_argument(
        '--each-view',
        action='store_true',
        help='reach it in each resolution, not only in all together',
    )
    parser.add_argument(
        '--min-accepted',
        type=int,
        default=10,
        metavar='N',
        help='a level that answers fewer images than this never answers; '
        'the default is 10',
    )
    parser.add_argument(
        '--combine',
        action='store_true',
        help='find level_weights of the head instead of thresholds',
    )
    parser.add_argument(
        '--tree',
        help="packaged hierarchy or file; the config's taxonomy, or the tree "
        'in the checkpoint, where not given',
    )
    parser.add_argument(
        '--out',
        type=Path,
        help='folder for levels.json, levels.png (combination.json with '
        '--combine) and logs; the folder of the checkpoint where not given',
    )
    add_options(parser)
    return parse(parser, args)


def build_tree(cfg: Config, spec: str | None, checkpoint: str) -> LabelTree:
    """The hierarchy of the command line, the config or the checkpoint.

    Raises:
        SystemExit: None of them has one.
    """
    found = spec or cfg.get('taxonomy') or tree_of_checkpoint(checkpoint)
    if found is None:
        raise SystemExit(
            'neither the config (taxonomy) nor the checkpoint has a '
            'hierarchy: name one with --tree, such as one that '
            'tools/build_hierarchy.py wrote'
        )
    return LabelTree.build(found)


def merge_args(cfg: Config, args: argparse.Namespace, file: Path) -> Config:
    """Make the config test on the validation images, and calibrate.

    Raises:
        SystemExit: The config has no validation images, or no hierarchy is
            known, or the head has no levels to combine.
    """
    if not cfg.get('val_dataloader'):
        raise SystemExit(
            'the config has no val_dataloader: thresholds are calibrated on '
            'images that the model was not trained on, so give it one'
        )
    cfg.load_from = args.checkpoint
    cfg.resume = False
    cfg.work_dir = str(file.parent)
    complete_dataloaders(cfg)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.test_cfg = cfg.get('test_cfg') or dict()
    tree = build_tree(cfg, args.tree, args.checkpoint).to_dict()
    cfg.test_evaluator = dict(
        type='mmc2f.FinestConfidentLevel',
        tree=tree,
        target=args.target,
        path=str(file),
        min_accepted=args.min_accepted,
        each_view=args.each_view,
    )
    if args.combine:
        if not cfg.model.head.type.endswith(HEAD):
            raise SystemExit(
                f'the head is {cfg.model.head.type}, which has one level: '
                f'there is nothing to combine; mmc2f.{HEAD} has all'
            )
        # What is combined are the answers of each classifier alone.
        cfg.model.head.combine = 'none'
        cfg.test_evaluator = dict(
            type='mmc2f.LevelCombination', tree=tree, path=str(file)
        )
    # Confidence is that of the classifiers, so no gallery is needed.
    cfg.custom_hooks = [
        hook
        for hook in cfg.get('custom_hooks') or []
        if hook['type'] != RERANK_HOOK
    ]
    return cfg


def config_text(thresholds: Sequence[float | None]) -> str:
    """The thresholds as they stand in a config."""
    return f'level_thresholds = {tuple(thresholds)!r}'


def combination_text(report: dict) -> str:
    """The combination as it stands in the head's config."""
    weights, sharpness = report['level_weights'], report['level_sharpness']
    return (
        f"combine = 'product'\nlevel_weights = {tuple(weights)!r}\n"
        f'level_sharpness = {tuple(sharpness)!r}'
    )


def main(argv: list[str] | None = None) -> tuple[float | None, ...]:
    """Calibrate, and say what to write in a config.

    Returns:
        The threshold of each level, ``None`` where it never answers; with
        ``--combine`` the weight of each level.
    """
    args = parse_args(argv)
    out = args.out or Path(args.checkpoint).parent
    file = out / ('combination.json' if args.combine else 'levels.json')
    cfg = merge_args(load_config(args.config, args.cfg_options), args, file)
    StrictRunner.from_cfg(cfg).test()
    report = read_json(file)
    if args.combine:
        print(f'figures: {file}\n{combination_text(report)}')
        return tuple(report['level_weights'])
    picture = file.with_suffix('.png')
    save_picture(draw_coverage(report), picture)
    thresholds = tuple(report['level_thresholds'])
    print(f'curves: {file}\npicture: {picture}')
    never = [
        level
        for level, threshold in zip(report['levels'], thresholds, strict=True)
        if threshold is None
    ]
    if never:
        print(
            f'never answered: {", ".join(never)} - no threshold reaches the '
            'target on what the finer levels leave'
        )
    print(config_text(thresholds))
    return thresholds


if __name__ == '__main__':
    run_tool(main)
