r"""Choose how to re-rank, and whether at all, on held-out training images.

The config holds images out of the training, ``holdout = dict(num_folds=10)``:
train with it first. Where it does not, the images of ``val_dataloader`` are
taken, if none of them is a test or a training image.

Writes beside the checkpoint what ``params='auto'`` of the re-ranking reads
(``epoch_6.rerank.json``), with the threshold that ``--cascade auto`` of a test
takes; curves over each parameter (``.png``); and the embeddings
(``.safetensors``), which are made once.

With ``--folds`` the images of all folds are pooled: one checkpoint for each
fold, trained with ``--cfg-options holdout.fold=0``, ``1`` and so on.
CHECKPOINT is then the model that uses the result, trained on all images or on
one fold.

Example:
    python tools/train.py configs/ccfr_grocery.py \
        --cfg-options holdout.num_folds=10
    python tools/tune_rerank.py configs/ccfr_grocery.py \
        work_dirs/ccfr_grocery/epoch_6.pth \
        --cfg-options holdout.num_folds=10
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import rich
from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset
from rich.table import Table
from torch.utils.data import DataLoader

from mmc2f.apis import complete_dataloaders, load_config
from mmc2f.apis.command_line import add_options, parse, run_tool
from mmc2f.apis.config_file import config_file
from mmc2f.datasets.hold_out import apply_holdout
from mmc2f.datasets.train_loader_in_test_mode import (
    train_loader_in_test_mode,
)
from mmc2f.engine import StrictRunner
from mmc2f.retrieval import (
    EmbeddedImages,
    HeldOut,
    TunedReRank,
    embed_images,
    run_fingerprint,
    side_file,
    tune_cascade_on_folds,
    tune_rerank_on_folds,
)
from mmc2f.retrieval.tune_rerank import TUNED_MODES
from mmc2f.retrieval.whitening import parse_whiten
from mmc2f.visualization import draw_tuning, save_picture


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Choose how to re-rank on held-out training images'
    )
    parser.add_argument('config', type=config_file, help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--folds',
        nargs='+',
        metavar='CHECKPOINT',
        help='checkpoints of the models that were trained with '
        'holdout.fold=0, 1, ...; the default is CHECKPOINT, with the fold '
        'of the config',
    )
    parser.add_argument(
        '--modes',
        nargs='+',
        choices=TUNED_MODES,
        default=list(TUNED_MODES),
        help='what to try; the default is all',
    )
    parser.add_argument(
        '--whiten',
        nargs='+',
        type=whitening,
        default=[None, 'lda', 'lda:0.6', 'sqrt+lda:0.4'],
        metavar='KIND',
        help='galleries to try: none, lda or pca, with a shrinkage behind a '
        'colon and sqrt+ in front if wanted; the default is none, lda, '
        'lda:0.6 and sqrt+lda:0.4',
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1.0,
        help='standard errors within which a plainer setting is as good; '
        'the default is 1',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--no-cache',
        dest='cache',
        action='store_false',
        help='neither read nor keep the embeddings',
    )
    add_options(parser)
    return parse(parser, args)


def whitening(text: str) -> str | None:
    """A whitening from the command line.

    Raises:
        argparse.ArgumentTypeError: There is none of that name.
    """
    if text == 'none':
        return None
    try:
        parse_whiten(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def read_config(args: argparse.Namespace) -> Config:
    """The config with the command line's options."""
    cfg = load_config(args.config, args.cfg_options)
    cfg.resume = False
    # A folder of its own: the runner writes its config into it.
    cfg.work_dir = str(Path(args.checkpoint).parent / 'tune_rerank')
    # Hooks of the training, and the re-ranking that is to be chosen.
    cfg.custom_hooks = []
    if args.folds and not cfg.get('holdout'):
        raise SystemExit(
            '--folds needs the holdout that the folds were trained with: '
            '--cfg-options holdout.num_folds=...'
        )
    complete_dataloaders(cfg)
    return cfg


def build_loaders(cfg: Config) -> tuple[DataLoader, DataLoader]:
    """Images for the gallery, and images to tune on.

    Raises:
        SystemExit: The config has no images that training has not seen.
    """
    if cfg.get('holdout'):
        return (
            train_loader_in_test_mode(cfg, 'fit'),
            train_loader_in_test_mode(cfg, 'held_out'),
        )
    fitted = train_loader_in_test_mode(cfg)
    if cfg.get('val_dataloader'):
        tuned = StrictRunner.build_dataloader(cfg.val_dataloader)
        tested = StrictRunner.build_dataloader(cfg.test_dataloader)
        seen = set(_paths(fitted)) | set(_paths(tested))
        if not seen & set(_paths(tuned)):
            return fitted, tuned
    raise SystemExit(
        'there are no images to tune on: neither has the config a holdout, '
        'nor a val_dataloader of other images than those of training and '
        'test. Train with --cfg-options holdout.num_folds=10'
    )


def embed_fold(
    cfg: Config, checkpoint: str, cache: bool
) -> tuple[EmbeddedImages, EmbeddedImages]:
    """Embeddings for the gallery and to tune on, from the file or anew."""
    runner = load_runner(cfg, checkpoint)
    loaders = build_loaders(cfg)
    found = []
    for name, loader in zip(('fit', 'held_out'), loaders, strict=True):
        file = Path(checkpoint).with_suffix(f'.{name}.safetensors')
        made_by = run_fingerprint(cfg, runner.model, loader.dataset)
        images = EmbeddedImages.load(file, made_by) if cache else None
        if images is None:
            images = embed_images(runner.model, loader, made_by, name)
            if cache:
                images.save(file)
        found.append(images)
    return found[0], found[1]


def load_runner(cfg: Config, checkpoint: str) -> StrictRunner:
    """A runner whose model has the weights of a checkpoint."""
    cfg.load_from = checkpoint
    # Runners of one name share their log.
    cfg.experiment_name = f'tune_rerank_{Path(checkpoint).stem}'
    runner = StrictRunner.from_cfg(cfg)
    runner.load_or_resume()
    return runner


def weights(cfg: Config, checkpoint: str) -> str:
    """Fingerprint of the weights that are to use the result."""
    runner = load_runner(cfg, checkpoint)
    dataset = train_loader_in_test_mode(cfg).dataset
    return run_fingerprint(cfg, runner.model, dataset)['weights']


def held_out(
    fitted: EmbeddedImages,
    images: EmbeddedImages,
    whitenings: Sequence[str | None],
) -> HeldOut:
    """Held-out images with one gallery for each whitening.

    Raises:
        SystemExit: The model predicts no coarse_score.
    """
    if images.coarse_probs is None:
        raise SystemExit(
            'the model predicts no coarse_score, so there is nothing to '
            're-rank: take a model that embeds images, such as mmc2f.CCFR'
        )
    galleries = {kind: fitted.gallery(whiten=kind) for kind in whitenings}
    return HeldOut(
        images.coarse_probs,
        images.embeddings,
        images.labels,
        galleries,
        images.global_probs,
    )


def tuning_table(tuned: TunedReRank) -> Table:
    """The best setting of each mode and gallery."""
    table = Table(caption=tuned.summary(), caption_justify='left')
    for heading in ('mode', 'whiten', 'top-1, %', 'parameters'):
        table.add_column(heading)
    table.add_row('coarse', '', f'{tuned.coarse_accuracy:.2f}', '')
    for family in tuned.tried:
        values = {k: v for k, v in family['params'].items() if k != 'mode'}
        table.add_row(
            family['mode'],
            str(family['whiten']),
            f'{family["accuracy"]:.2f}',
            ', '.join(f'{k}={v}' for k, v in values.items()),
        )
    return table


def _paths(loader: DataLoader) -> Iterator[str]:
    dataset: BaseDataset = loader.dataset
    for i in range(len(dataset)):
        path = str(dataset.get_data_info(i).get('img_path'))
        yield str(Path(path).resolve())


def main(argv: list[str] | None = None) -> TunedReRank:
    """Tune, write the files, and print the choice."""
    args = parse_args(argv)
    cfg = read_config(args)
    folds = []
    for fold, checkpoint in enumerate(args.folds or [args.checkpoint]):
        if args.folds:
            cfg.holdout = ConfigDict(cfg.holdout, fold=fold)
            apply_holdout(cfg)
        folds.append(
            held_out(*embed_fold(cfg, checkpoint, args.cache), args.whiten)
        )
    tuned = tune_rerank_on_folds(
        folds, args.modes, args.tolerance, seed=args.seed
    )
    path = side_file(args.checkpoint)
    cascade = tune_cascade_on_folds(
        folds, tuned.post_processor(), tuned.whiten, args.seed
    )
    tuned = replace(
        tuned, weights=weights(cfg, args.checkpoint), cascade=cascade
    )
    tuned.save(path)
    save_picture(draw_tuning(tuned), path.with_suffix('.png'))
    rich.print(tuning_table(tuned))
    if cascade is not None:
        print(cascade.summary())
    print(f'parameters: {path}\npicture: {path.with_suffix(".png")}')
    return tuned


if __name__ == '__main__':
    run_tool(main)
