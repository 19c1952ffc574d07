"""Train a model: ``python tools/train.py CONFIG [options]``."""

import argparse

from mmengine.config import Config

from mmc2f.apis import (
    complete_dataloaders,
    load_config,
    lock_work_dir,
    prepare_label_tree,
    resume_from_latest,
)
from mmc2f.apis.command_line import (
    job_parser,
    join_ranks,
    parse_job,
    require_parts,
    run_tool,
    set_job,
)
from mmc2f.arguments import type_name
from mmc2f.cpu_settings import prepare_cpu
from mmc2f.engine import build_runner
from mmc2f.engine.hooks.live_line_hook import end_live_lines
from mmc2f.engine.nondeterminism import warn_of_nondeterminism

#: Without which nothing is trained.
PARTS = ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
#: A list in a config replaces that of its base.
HOOKS = ('PlainCheckpointHook', 'FiniteLossHook', 'LiveLineHook')


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, with mmpretrain's customary options."""
    parser = job_parser('Train a model')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from this checkpoint, or from the latest in the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the total batch size',
    )
    parser.add_argument(
        '--no-pin-memory',
        action='store_true',
        help='do not pin the memory of the loaders',
    )
    parser.add_argument(
        '--no-persistent-workers',
        action='store_true',
        help='start the loaders anew each epoch',
    )
    checks = parser.add_mutually_exclusive_group()
    checks.add_argument(
        '--strict-data',
        action='store_true',
        help='refuse images that are in two classes, or in training and '
        'validation or test; the default is to warn of them',
    )
    checks.add_argument(
        '--no-data-check',
        action='store_true',
        help='do not look for such images',
    )
    return parse_job(parser, args)


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the command line's options into the config."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    set_job(cfg, args)
    if args.amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume == 'auto':
        cfg.resume, cfg.load_from = True, None
    elif args.resume is not None:
        cfg.resume, cfg.load_from = True, args.resume
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise SystemExit(
                '--auto-scale-lr needs auto_scale_lr = '
                'dict(base_batch_size=...) in the config'
            )
        cfg.auto_scale_lr.enable = True
    add_hooks(cfg)
    if not args.no_data_check:
        check = dict(type='mmc2f.DuplicateImagesHook', strict=args.strict_data)
        cfg.custom_hooks = [*cfg.custom_hooks, check]
    complete_dataloaders(
        cfg,
        pin_memory=not args.no_pin_memory,
        persistent_workers=not args.no_persistent_workers,
    )
    return cfg


def add_hooks(cfg: Config) -> None:
    """Add the hooks that no training goes without, where it has none.

    MMEngine's own CheckpointHook, in a config or by default, becomes ours,
    which takes the same arguments.
    """
    defaults = dict(cfg.get('default_hooks') or {})
    checkpoint = defaults.get('checkpoint', dict(type='CheckpointHook'))
    if checkpoint and type_name(checkpoint) == 'CheckpointHook':
        checkpoint = dict(interval=1) | dict(checkpoint)
        checkpoint['type'] = 'mmc2f.AtomicCheckpointHook'
    cfg.default_hooks = defaults | dict(checkpoint=checkpoint)
    hooks = list(cfg.get('custom_hooks') or [])
    present = {type_name(hook) for hook in hooks}
    missing = [name for name in HOOKS if name not in present]
    cfg.custom_hooks = hooks + [dict(type=f'mmc2f.{n}') for n in missing]


def main(argv: list[str] | None = None) -> None:
    """Train as the config and the command line say."""
    args = parse_args(argv)
    chosen = prepare_cpu()
    cfg = load_config(args.config, args.cfg_options)
    require_parts(cfg, args.config, *PARTS)
    load_from = cfg.get('load_from')
    merge_args(cfg, args)
    join_ranks(cfg)
    with lock_work_dir(cfg.work_dir):
        resume_from_latest(cfg, load_from)
        prepare_label_tree(cfg)
        runner = build_runner(cfg)
        if chosen is not None:
            runner.logger.info(chosen)
        warn_of_nondeterminism(cfg, trains=True)
        try:
            runner.train()
        finally:
            end_live_lines(runner)


if __name__ == '__main__':
    run_tool(main)
