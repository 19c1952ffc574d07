"""From a folder or a table of images to a config that trains."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmc2f.own_data.config_files import (
    base_config,
    missing_weights,
    new_files,
    own_config,
    place_for,
    write_config,
)
from mmc2f.own_data.findings import Findings
from mmc2f.own_data.hierarchy import Hierarchy, known_hierarchy
from mmc2f.own_data.inspect_images import (
    Inspection,
    Progress,
    inspect_images,
)
from mmc2f.own_data.list_folder import list_folder
from mmc2f.own_data.list_table import list_table
from mmc2f.own_data.listing import ImageListing, listing_of
from mmc2f.own_data.split import propose_split

__all__ = ['InitOptions', 'Initialized', 'init_config']

TABLES = ('.csv', '.tsv', '.txt', '.parquet', '.pq')
DEFAULT_BASE = 'ccfr_grocery'


@dataclass(frozen=True)
class InitOptions:
    """What a user may say besides the images.

    Attributes:
        base: Shipped config to inherit from.
        out: Folder of what is written.
        name: Of the config; ``None``: that of the source.
        val: Part of the images of each class to validate on, where a split
            is proposed.
        test: Likewise, to test on; 0 for none.
        seed: Of the split.
        resplit: Propose a split though there is one.
        force: Replace files.
        dry_run: Write nothing.
        class_directories: See :func:`list_folder`.
        root, path_column, label_column, split_column, levels: See
            :func:`list_table`.
        threads: That read images. ``None``: one for each core.
    """

    base: str = DEFAULT_BASE
    out: Path = Path()
    name: str | None = None
    val: float = 0.2
    test: float = 0.0
    seed: int = 0
    resplit: bool = False
    force: bool = False
    dry_run: bool = False
    class_directories: str = 'auto'
    root: Path | None = None
    path_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    levels: Sequence[str] | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Initialized:
    """What was found and written.

    Attributes:
        findings: On the images.
        files: The config first; none after a dry run.
        missing_weights: File that the training starts from, where it is not
            there.
    """

    findings: Findings
    files: tuple[Path, ...] = ()
    missing_weights: str | None = None


def init_config(
    source: str | Path,
    options: InitOptions = InitOptions(),
    progress: Progress = lambda items, total: items,
) -> Initialized:
    """Look at images, split them, and write a config that trains on them.

    Writes ``NAME.py``, ``NAME_split.csv`` with path, label and split of each
    image that can be read, and ``NAME_tree.csv`` where a hierarchy is known.
    They are read back before they get their names, so that there are all of
    them, or what was there before.

    Args:
        source: Folder, see :func:`list_folder`, or table, see
            :func:`list_table`.
        options: See there.
        progress: See :func:`inspect_images`.

    Raises:
        FileExistsError: A file is there already, and ``force`` is not set.
        OSError: The images, or the folder to write to, are none.
        ValueError: The images are none to train a classifier on; one
            sentence says why.
    """
    source = Path(source)
    base = base_config(options.base)
    replaces = options.force or options.dry_run
    files = new_files(source, options.out, options.name, replaces)
    with place_for(files, options.dry_run) as place:
        listing = _list_images(source, options)
        inspection = inspect_images(listing, options.threads, progress)
        listing = _readable(source, listing, inspection)
        splits, proposed = _splits(source, listing, inspection, options)
        hierarchy = known_hierarchy(listing)
        findings = _findings(source, listing, inspection, splits, hierarchy)
        if proposed:
            findings = replace(findings, split='proposed', seed=options.seed)
        if options.dry_run:
            return Initialized(findings)
        own = own_config(base, options.base, files, listing, splits, hierarchy)
        written = write_config(place, files, own, listing, splits, hierarchy)
    return Initialized(findings, written, missing_weights(base))


def _list_images(source: Path, options: InitOptions) -> ImageListing:
    if source.is_dir():
        return list_folder(source, options.class_directories, options.resplit)
    if not source.exists():
        raise FileNotFoundError(f'{source} does not exist')
    if source.suffix.lower() not in TABLES:
        raise ValueError(
            f'{source} is neither a folder of images nor a table '
            f'({", ".join(TABLES)})'
        )
    return list_table(
        source,
        options.root,
        options.path_column,
        options.label_column,
        options.split_column,
        options.levels,
        options.resplit,
    )


def _readable(
    source: Path, listing: ImageListing, inspection: Inspection
) -> ImageListing:
    """The listing without the images that cannot be read."""
    if not inspection.images:
        path, reason = next(iter(inspection.unreadable.items()))
        raise ValueError(
            f'none of the {len(listing.images)} images of {source} can be '
            f'read, such as {path}: {reason}'
        )
    return listing_of(
        listing.root,
        inspection.images,
        listing.levels,
        listing.notes,
        source,
    )


def _splits(
    source: Path,
    listing: ImageListing,
    inspection: Inspection,
    options: InitOptions,
) -> tuple[list[str], bool]:
    """Split of each image, and whether it is a proposal."""
    own = [image.split for image in listing.images]
    if set(own) > {'train'}:
        return own, False
    fractions = {'test': options.test, 'val': options.val}
    fractions = {name: part for name, part in fractions.items() if part}
    if not fractions:
        raise ValueError('--val and --test are 0, so nothing can be measured')
    splits = propose_split(
        [image.label for image in listing.images],
        inspection.groups.tolist(),
        fractions,
        options.seed,
    )
    lacking = [name for name in fractions if name not in splits]
    if lacking:
        raise ValueError(
            f'{source} has too few images for {" and ".join(lacking)}: no '
            'class has more than two that are no near duplicates'
        )
    return splits, True


def _findings(
    source: Path,
    listing: ImageListing,
    inspection: Inspection,
    splits: Sequence[str],
    hierarchy: Hierarchy | None,
) -> Findings:
    counts: dict[str, Counter[str]] = {n: Counter() for n in listing.classes}
    for image, split in zip(listing.images, splits, strict=True):
        counts[image.label][split] += 1
    split_of = {
        image.path: split
        for image, split in zip(listing.images, splits, strict=True)
    }
    across_splits, across_classes = [], []
    for group in inspection.near:
        paths = [image.path for image in group]
        trained = [path for path in paths if split_of[path] == 'train']
        others = [path for path in paths if split_of[path] != 'train']
        if trained and others:
            across_splits.append((trained[0], others[0]))
        first = group[0]
        other = next((i for i in group if i.label != first.label), None)
        if other is not None:
            across_classes.append((first.path, other.path))
    return Findings(
        source=str(source),
        counts={name: dict(count) for name, count in counts.items()},
        split='kept',
        levels=hierarchy[0] if hierarchy else listing.levels[:1],
        unreadable=inspection.unreadable,
        exact=[[image.path for image in g] for g in inspection.exact],
        near=[[image.path for image in g] for g in inspection.near],
        across_splits=across_splits,
        across_classes=across_classes,
        flat=[image.path for image in inspection.flat],
        notes=listing.notes,
    )
