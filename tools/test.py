"""Test a model: ``python tools/test.py CONFIG CHECKPOINT [options]``."""

import argparse
import os.path as osp

from mmengine.config import Config

from mmc2f.apis import complete_dataloaders, load_config
from mmc2f.apis.command_line import (
    job_parser,
    parse_job,
    require_parts,
    run_tool,
    set_job,
)
from mmc2f.cpu_settings import prepare_cpu
from mmc2f.engine import StrictRunner
from mmc2f.engine.nondeterminism import warn_of_nondeterminism

HOOK = 'mmc2f.ReRankHook'
CASCADE = 'mmc2f.CascadeHook'
#: Without which nothing is tested.
PARTS = ('model', 'test_dataloader', 'test_cfg', 'test_evaluator')


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, with mmpretrain's customary options."""
    parser = job_parser('Test a model')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--rerank',
        action=argparse.BooleanOptionalAction,
        help='re-rank by retrieval, or not; the default is what the config '
        'says',
    )
    parser.add_argument(
        '--gallery',
        metavar='FILE',
        help='gallery of an earlier test; where there is no such file yet, '
        'the gallery is built and saved there',
    )
    parser.add_argument(
        '--cascade',
        metavar='auto|THRESHOLD',
        help='cut regions and search the gallery only for images whose best '
        'probability by the global pass is below this; auto takes the '
        'threshold that tools/tune_rerank.py has chosen',
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='write the predictions with their neighbours, as JSON lines',
    )
    parser.add_argument(
        '--boxes',
        metavar='FILE',
        help='write the regions as boxes in the format of COCO, as JSON',
    )
    parser.add_argument(
        '--annotations',
        metavar='FOLDER',
        help='judge the regions by the boxes and parts in this folder, in '
        'the layout of CUB-200-2011',
    )
    parser.add_argument(
        '--amp', action='store_true', help='automatic mixed precision'
    )
    return parse_job(parser, args)


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the command line's options into the config."""
    set_job(cfg, args)
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.amp:
        cfg.test_cfg.fp16 = True
    complete_dataloaders(cfg)
    set_reranking(cfg, args.rerank, args.gallery)
    set_cascade(cfg, args)
    if args.out is not None:
        add_metric(cfg, 'mmc2f.PredictionWriter', path=args.out)
    if args.boxes is not None:
        add_metric(cfg, 'mmc2f.CocoBoxWriter', path=args.boxes)
    if args.annotations is not None:
        add_metric(cfg, 'mmc2f.PartHitRate', data_root=args.annotations)
    return cfg


def set_reranking(
    cfg: Config, rerank: bool | None, gallery: str | None
) -> None:
    """Keep, add or take away the re-rank hook, and give it a gallery.

    Raises:
        SystemExit: A gallery is named, but nothing re-ranks.
    """
    hooks = list(cfg.get('custom_hooks') or [])
    present = any(hook['type'] == HOOK for hook in hooks)
    if rerank is False:
        hooks = [hook for hook in hooks if hook['type'] != HOOK]
    elif rerank and not present:
        hooks.append(dict(type=HOOK))
    cfg.custom_hooks = hooks
    hook = next((h for h in cfg.custom_hooks if h['type'] == HOOK), None)
    if gallery is None:
        return
    if hook is None:
        raise SystemExit('--gallery is of no use without --rerank')
    key = 'gallery_file' if osp.exists(gallery) else 'save_gallery'
    hook[key] = gallery


def set_cascade(cfg: Config, args: argparse.Namespace) -> None:
    """Add the hook that ends sure images early, or change its threshold.

    Raises:
        SystemExit: The threshold is no probability, or boxes are asked for,
            which images that end early do not have.
    """
    if args.cascade is None:
        return
    if args.boxes is not None or args.annotations is not None:
        raise SystemExit(
            '--boxes and --annotations need the regions of all images: leave '
            '--cascade out'
        )
    threshold: float | str = args.cascade
    if threshold != 'auto':
        try:
            threshold = float(args.cascade)
        except ValueError:
            threshold = -1.0
        if not 0 <= threshold <= 1:
            raise SystemExit(
                f'--cascade is auto or a number in [0, 1], got {args.cascade}'
            )
    hooks = [h for h in cfg.custom_hooks if h['type'] != CASCADE]
    cfg.custom_hooks = [*hooks, dict(type=CASCADE, threshold=threshold)]


def check_exists(checkpoint: str) -> None:
    """Refuse a checkpoint that is not there; an address is not looked at.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if '://' not in checkpoint and not osp.exists(checkpoint):
        raise FileNotFoundError(f'{checkpoint} does not exist')


def add_metric(cfg: Config, kind: str, **kwargs: str) -> None:
    """Write or measure something beside whatever the config measures."""
    evaluators = cfg.test_evaluator
    if not isinstance(evaluators, list):
        evaluators = [evaluators]
    cfg.test_evaluator = [*evaluators, dict(type=kind, **kwargs)]


def main(argv: list[str] | None = None) -> dict[str, float]:
    """Test as the config and the command line say."""
    args = parse_args(argv)
    prepare_cpu()
    cfg = load_config(args.config, args.cfg_options)
    require_parts(cfg, args.config, *PARTS)
    # Now, and not after the page that a runner logs at its start.
    check_exists(args.checkpoint)
    merge_args(cfg, args)
    runner = StrictRunner.from_cfg(cfg)
    warn_of_nondeterminism(cfg, trains=False)
    return runner.test()


if __name__ == '__main__':
    run_tool(main)
