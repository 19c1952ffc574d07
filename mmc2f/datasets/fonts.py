"""Font-face demo images, rendered from the faces that matplotlib ships.

Each image shows two to four made-up words in one face on a paper of its
own; the task is to name the face. Nothing is downloaded, and the same
parameters give the same images. Where each letter stands is known, to judge
regions by.
"""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mmc2f.datasets.cub_annotations import (
    COLUMNS,
    ObjectParts,
    write_cub_annotations,
)
from mmc2f.datasets.font_rendering import render_words
from mmc2f.files import read_json, write_json

__all__ = [
    'FontDemoSpec',
    'draw_vocabularies',
    'font_faces',
    'write_font_demo',
]

SPLITS = ('train', 'test')
MANIFEST = 'manifest.json'
WORDS = 'words.json'
# Raise it when the rendering or the files beside the images change, so that
# old folders are noticed.
VERSION = 3
TAXONOMY = Path(__file__).parents[1] / 'taxonomies' / 'fonts.csv'
CONSONANTS = list('bdfgklmnprstx')
ONSETS = CONSONANTS + list('chjvwyz') + ['br', 'dr', 'gl', 'qu', 'st', 'th']
VOWELS = list('aeiouy') + ['ai', 'ea', 'ou']
CODAS = CONSONANTS + ['', '', 'ng', 'rt', 'sk']


@dataclass(frozen=True)
class FontDemoSpec:
    """What decides every byte of a demo set.

    Args:
        seed: Start of all random draws.
        train_per_class: Training images of each face.
        test_per_class: Test images of each face.
        size: Height and width of an image, in pixels.
    """

    seed: int = 0
    train_per_class: int = 40
    test_per_class: int = 20
    size: int = 128

    def __post_init__(self) -> None:
        if self.train_per_class < 1 or self.test_per_class < 1:
            raise ValueError(
                'train_per_class and test_per_class must be at least 1, got '
                f'{self.train_per_class} and {self.test_per_class}.'
            )
        if self.size < 32:
            raise ValueError(
                f'size must be at least 32 pixels to hold a word, got '
                f'{self.size}.'
            )

    def per_class(self, split: str) -> int:
        """Images of each face in a split."""
        return (
            self.train_per_class if split == 'train' else self.test_per_class
        )

    def manifest(self) -> dict:
        """The parameters as JSON values, with the rendering's version."""
        return {'version': VERSION, **asdict(self)}


class _Job(NamedTuple):
    """One image to draw: where it stands decides its random draws."""

    split: str
    face: str
    face_index: int
    image_index: int

    @property
    def name(self) -> str:
        return f'{self.split}/{self.face}/{self.image_index:03d}.png'


def font_faces() -> dict[str, Path]:
    """TrueType file of each face named in ``taxonomies/fonts.csv``.

    The table holds the faces with drawn Latin letters that every matplotlib
    release of the last years ships; symbol faces and the Last Resort face
    map Latin letters too, but to other glyphs.

    Returns:
        Face name to file, in the order of the table (sorted names).

    Raises:
        FileNotFoundError: The installed matplotlib lacks one of the faces.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / 'fonts' / 'ttf'
    with TAXONOMY.open(newline='') as file:
        faces = [row['face'] for row in csv.DictReader(file)]
    files = {face: folder / f'{face}.ttf' for face in faces}
    missing = [face for face, file in files.items() if not file.is_file()]
    if missing:
        raise FileNotFoundError(
            f'matplotlib {matplotlib.__version__} has no face '
            f'{", ".join(missing)} in {folder}; install matplotlib from PyPI, '
            'which ships its fonts.'
        )
    return files


def draw_vocabularies(seed: int, size: int = 600) -> dict[str, list[str]]:
    """Made-up lower-case words for each split, no word in both.

    Args:
        seed: Start of the draws.
        size: Words of each split.
    """
    rng = np.random.default_rng([seed, 0])
    words: dict[str, None] = {}
    while len(words) < size * len(SPLITS):
        syllables = rng.integers(1, 4)
        word = ''.join(
            str(rng.choice(part))
            for _ in range(syllables)
            for part in (ONSETS, VOWELS, CODAS)
        )
        if 3 <= len(word) <= 8:
            words[word] = None
    drawn = list(words)
    return {
        split: drawn[i * size : (i + 1) * size]
        for i, split in enumerate(SPLITS)
    }


def write_font_demo(out: str | Path, spec: FontDemoSpec) -> bool:
    """Draw a demo set as ``out/{train,test}/<face>/*.png``.

    ``out/words.json`` names the words of every image and
    ``out/manifest.json`` the parameters. The box of the ink and the centre of
    each letter, in reading order, stand in files as CUB-200-2011 has them, see
    :func:`write_cub_annotations`. An interrupted run is drawn anew.

    Args:
        out: Folder of the set, made when missing.
        spec: Parameters of the set.

    Returns:
        False when the complete set was there already and nothing was done.

    Raises:
        FileExistsError: ``out`` holds something else.
    """
    from rich.progress import track

    out = Path(out)
    faces = font_faces()
    jobs = list(_jobs(spec, list(faces)))
    if _is_complete(out, spec, jobs):
        return False
    vocabularies = draw_vocabularies(spec.seed)
    for split in SPLITS:
        for face in faces:
            (out / split / face).mkdir(parents=True, exist_ok=True)
    write_json(out / MANIFEST, spec.manifest() | {'complete': False}, 1)
    words_of, known = {}, {}
    for job in track(jobs, description='Drawing font images'):
        rng = np.random.default_rng(
            [
                spec.seed,
                1 + SPLITS.index(job.split),
                job.face_index,
                job.image_index,
            ]
        )
        words = _choose_words(vocabularies[job.split], rng)
        drawn = render_words(words, faces[job.face], spec.size, rng)
        drawn.image.save(out / job.name)
        words_of[job.name] = words
        known[job.name] = ObjectParts(
            torch.tensor(drawn.box), torch.from_numpy(drawn.letters)
        )
    write_json(out / WORDS, words_of, 1)
    longest = max(len(text.parts) for text in known.values())
    letters = [f'letter {i + 1}' for i in range(longest)]
    write_cub_annotations(out, known, letters)
    write_json(out / MANIFEST, spec.manifest() | {'complete': True}, 1)
    return True


def _jobs(spec: FontDemoSpec, faces: list[str]) -> Iterator[_Job]:
    for split in SPLITS:
        for face_index, face in enumerate(faces):
            for image_index in range(spec.per_class(split)):
                yield _Job(split, face, face_index, image_index)


def _is_complete(out: Path, spec: FontDemoSpec, jobs: list[_Job]) -> bool:
    """Whether the set is there; an error when something else is."""
    manifest_file = out / MANIFEST
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    if not manifest_file.is_file():
        raise FileExistsError(
            f'{out} exists and is no font demo set (it has no {MANIFEST}); '
            'choose another folder or remove it.'
        )
    found = read_json(manifest_file)
    complete = found.pop('complete', False)
    if found != spec.manifest():
        raise FileExistsError(
            f'{out} holds a font demo set of other parameters ({found}, '
            f'wanted {spec.manifest()}); choose another folder or remove it.'
        )
    files = [*COLUMNS, *(job.name for job in jobs)]
    return complete and all((out / name).is_file() for name in files)


def _choose_words(
    vocabulary: list[str], rng: np.random.Generator
) -> list[str]:
    """Two to four words, each in lower, title or upper case."""
    chosen = rng.choice(vocabulary, size=rng.integers(2, 5), replace=False)
    cases = (str.lower, str.lower, str.capitalize, str.upper)
    return [cases[rng.integers(len(cases))](str(word)) for word in chosen]
