"""The files that a config of one's own consists of."""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mmengine.config import Config

from mmc2f.apis.config_file import shipped_configs
from mmc2f.apis.label_tree import multi_level_head
from mmc2f.apis.load_config import load_config
from mmc2f.arguments import type_name
from mmc2f.datasets.image_table import ImageTable
from mmc2f.files import write_text
from mmc2f.own_data.config_text import HERE, OwnConfig, config_text
from mmc2f.own_data.hierarchy import Hierarchy, to_csv
from mmc2f.own_data.listing import ImageListing, ListedImage
from mmc2f.structures import LabelTree

__all__ = [
    'base_config',
    'missing_weights',
    'new_files',
    'own_config',
    'place_for',
    'write_config',
]

#: Config, table of the split, hierarchy.
ENDINGS = ('.py', '_split.csv', '_tree.csv')
# The silhouette needs more classes.
_PAIR = 2


def base_config(name: str) -> Config:
    """Load a shipped config to inherit from.

    Raises:
        ValueError: There is none of this name, or it learns several levels
            at several resolutions, which one's own data must say.
    """
    shipped = shipped_configs()
    if name not in shipped:
        raise ValueError(
            f'there is no shipped config {name!r} to inherit from; there are '
            f'{", ".join(shipped)}'
        )
    cfg = load_config(shipped[name])
    if type_name(cfg.train_dataloader.dataset) == 'MultiResolutionDataset':
        raise ValueError(
            f'{name} recognises levels of a hierarchy at several '
            'resolutions, which its `views` must say: begin with a CCFR or '
            'baseline config, then see docs/own_data.md'
        )
    return cfg


def missing_weights(base: Config) -> str | None:
    """The file of weights that a model starts from, if it is not there."""
    init = base.model.get('backbone', {}).get('init_cfg') or {}
    path = init.get('checkpoint') if isinstance(init, Mapping) else None
    if path is None or '://' in path or Path(path).is_file():
        return None
    return path


def new_files(
    source: Path, out: Path, name: str | None, force: bool
) -> tuple[Path, ...]:
    """Paths of all files that may be written.

    Raises:
        FileExistsError: One is there, and ``force`` is not set.
        ValueError: Their folder has a name that no config can hold.
    """
    out = Path(out).absolute()
    stem = source.resolve().name if source.is_dir() else source.stem
    name = name or re.sub(r'\W+', '_', stem) or 'images'
    if set('\\\'"\n{}') & set(str(out)):
        raise ValueError(
            f'{out} has a quote, brace or backslash, which the paths in a '
            'config cannot have; choose another folder by --out'
        )
    files = tuple(out / f'{name}{ending}' for ending in ENDINGS)
    there = [path for path in files if path.exists()]
    if there and not force:
        raise FileExistsError(
            f'{there[0]} is there already; --force replaces it'
        )
    return files


@contextmanager
def place_for(files: Sequence[Path], dry_run: bool) -> Iterator[Path]:
    """A folder beside the files, to write them in first.

    It is made before the images are read, so that nobody waits for them in
    vain.

    Raises:
        OSError: The folder of the files cannot be written to.
    """
    out = files[0].parent
    if dry_run:
        yield out
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix='.mmc2f_init_', dir=out)
    except OSError as error:
        reason = f'cannot be written to: {error.strerror or error}'
        raise type(error)(error.errno, reason, str(out)) from error
    with folder as place:
        yield Path(place)


def own_config(
    base: Config,
    base_name: str,
    files: Sequence[Path],
    listing: ImageListing,
    splits: Sequence[str],
    hierarchy: Hierarchy | None,
) -> OwnConfig:
    """What stands in the config."""
    counts = Counter(splits)
    held_out = [name for name in ('val', 'test') if counts[name]]
    roles = {'train_data': 'train'}
    if len(held_out) > 1:
        roles['val_data'] = held_out[0]
    roles['test_data'] = held_out[-1]
    classes = len(listing.classes)
    own = OwnConfig(
        title=f'{sum(counts.values())} images of {classes} classes, by mmc2f '
        'init.',
        base=base_name,
        num_classes=classes,
        data_root=_data_root(listing.root, files[0].parent),
        table=files[1].name,
        splits=roles,
        tree=files[2].name if hierarchy else None,
    )
    if multi_level_head(base) is None:
        own = replace(own, num_clusters=None)
    elif classes <= _PAIR:
        own = replace(own, num_clusters=_PAIR)
    if counts['train'] < base.train_dataloader.batch_size:
        # Else a loader that drops what does not fill a batch has none.
        own = replace(own, batch_size=max(_PAIR, counts['train'] // _PAIR))
    return own


def write_config(
    place: Path,
    files: Sequence[Path],
    own: OwnConfig,
    listing: ImageListing,
    splits: Sequence[str],
    hierarchy: Hierarchy | None,
) -> tuple[Path, ...]:
    """Write the files aside, read them back, and give them their names.

    Returns:
        The files; that of the hierarchy is written where there is one.
    """
    texts = [config_text(own), _table(listing.images, splits)]
    if hierarchy:
        levels, rows = hierarchy
        texts.append(to_csv(levels, list(rows.values())))
    written = tuple(files[: len(texts)])
    for path, text in zip(written, texts, strict=True):
        write_text(place / path.name, text)
    _check(place / files[0].name, listing, len(splits))
    # The config last: it names the others.
    for path in reversed(written):
        os.replace(place / path.name, path)
    return written


def _data_root(root: Path, out: Path) -> str:
    """Relative to the config where both can be moved together."""
    root = root.absolute()
    if root == out:
        return HERE
    if root.is_relative_to(out):
        return f'{HERE}/{root.relative_to(out).as_posix()}'
    return root.as_posix()


def _table(images: Sequence[ListedImage], splits: Sequence[str]) -> str:
    rows = [
        # A space at the start would be taken for one after a comma.
        (
            f'./{image.path}' if image.path[0].isspace() else image.path,
            image.label,
            split,
        )
        for image, split in zip(images, splits, strict=True)
    ]
    return to_csv(('path', 'label', 'split'), rows)


def _check(config: Path, listing: ImageListing, count: int) -> None:
    """Read back what has been written, as the training will."""
    cfg = load_config(config)
    loaders = {}
    for name in ('train', 'val', 'test'):
        dataset = dict(cfg[f'{name}_dataloader'].dataset)
        dataset = {k: dataset[k] for k in ('ann_file', 'data_root', 'split')}
        loaders[dataset['split']] = ImageTable(**dataset)
    read = sum(map(len, loaders.values()))
    names = loaders['train'].metainfo['classes']
    if read != count or list(names) != listing.classes:
        raise ValueError(
            f'{count} images of {len(listing.classes)} classes were to be '
            f'written, but {read} of {len(names)} are read back; is there a '
            'name with unusual characters?'
        )
    if cfg.taxonomy is not None:
        tree = LabelTree.build(cfg.taxonomy)
        tree.check_class_names(names, str(config.name))
