"""Train a model: ``python tools/train.py CONFIG [options]``."""

import argparse
import os
import os.path as osp

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from mmc2f.apis import complete_dataloaders, prepare_label_tree
from mmc2f.apis.config_file import config_file


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, with mmpretrain's customary options."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('--work-dir', help='folder for logs and weights')
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
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='config values to change, as key=value',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='job launcher',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(args)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the command line's options into the config."""
    # First, since the rest follows from the config's values.
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = osp.join('work_dirs', name)
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
    complete_dataloaders(
        cfg,
        pin_memory=not args.no_pin_memory,
        persistent_workers=not args.no_persistent_workers,
    )
    return cfg


def main(args: list[str] | None = None) -> None:
    """Train as the config and the command line say."""
    args = parse_args(args)
    cfg = merge_args(Config.fromfile(args.config), args)
    prepare_label_tree(cfg)
    Runner.from_cfg(cfg).train()


if __name__ == '__main__':
    main()
