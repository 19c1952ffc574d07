"""The files of a trained model, from what a command line says of it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmc2f.files.noted_checkpoint import NOTE, noted_checkpoint

if TYPE_CHECKING:
    from mmc2f import C2FInferencer
    from mmc2f.cli.screen import Answers
    from mmc2f.retrieval import Gallery

__all__ = [
    'GALLERY',
    'ModelFiles',
    'find_model',
    'open_answering_model',
    'open_model',
]

#: Name of the gallery in a work dir.
GALLERY = 'gallery.safetensors'
#: Where a training goes by default, as in ``tools/train.py``.
WORK_DIRS = Path('work_dirs')


@dataclass(frozen=True)
class ModelFiles:
    """A trained model.

    Attributes:
        config: Path of its config, or the name of a shipped one.
        checkpoint: Its weights.
        gallery: Where its gallery is, or would be.
        must_have_gallery: The user has named it.
    """

    config: str
    checkpoint: str
    gallery: Path
    must_have_gallery: bool = False

    def existing_gallery(self) -> Path | None:
        """The gallery; ``None`` where there is none and none was named."""
        if self.must_have_gallery or self.gallery.is_file():
            return self.gallery
        return None


def find_model(
    model: str,
    checkpoint: str | os.PathLike | None = None,
    gallery: str | os.PathLike | None = None,
) -> ModelFiles:
    """Find config, weights and gallery.

    Args:
        model: Work dir, which holds a config, ``last_checkpoint`` and perhaps
            a gallery; or a config. That of a config is
            ``work_dirs/NAME``, with the name of its file.
        checkpoint: By default the last of the work dir.
        gallery: By default ``gallery.safetensors`` there, or beside the
            checkpoint where that is given.

    Raises:
        FileNotFoundError: There is no config, or there are no weights.
        ValueError: A work dir holds several configs.
    """
    if os.path.isdir(model):
        work_dir, config = Path(model), _config_in(Path(model))
    else:
        work_dir, config = WORK_DIRS / Path(model).stem, model
    if checkpoint is None:
        if not (work_dir / NOTE).is_file() and not os.path.isdir(model):
            raise FileNotFoundError(
                f'there are no weights of {model} in {work_dir}: give '
                '--checkpoint FILE, or the work dir of its training in its '
                'place'
            )
        checkpoint = noted_checkpoint(work_dir)
    elif not os.path.isfile(checkpoint):
        raise FileNotFoundError(
            f'there is no checkpoint {os.fspath(checkpoint)!r}'
        )
    elif not os.path.isdir(model):
        work_dir = Path(checkpoint).parent
    return ModelFiles(
        config,
        os.fspath(checkpoint),
        work_dir / GALLERY if gallery is None else Path(gallery),
        must_have_gallery=gallery is not None,
    )


def open_model(
    files: ModelFiles,
    gallery: 'Path | Gallery | None',
    trust: bool,
    **options: Any,
) -> 'C2FInferencer':
    """The inferencer of a model.

    Args:
        files: Of the model.
        gallery: What to re-rank by, or ``None``.
        trust: See :mod:`mmc2f.weights.trust`.
        **options: Further arguments of :class:`mmc2f.C2FInferencer`.
    """
    from mmc2f import C2FInferencer
    from mmc2f.weights.trust import trust_files_of_this_process

    trust_files_of_this_process(trust)
    return C2FInferencer(
        files.config, files.checkpoint, gallery=gallery, **options
    )


def open_answering_model(
    files: ModelFiles,
    rerank: bool,
    trust: bool,
    answers: 'Answers',
    **options: Any,
) -> 'C2FInferencer':
    """The inferencer of a model that re-ranks where it can.

    After a training there is no gallery yet. Where the config re-ranks, it is
    built here, once, since such a model is more accurate so. Where the
    training images are gone nothing is re-ranked, and a line says why.

    Args:
        files: Of the model.
        rerank: Whether to re-rank at all.
        trust, **options: As for :func:`open_model`.
        answers: Told what is done.
    """
    gallery: Path | Gallery | None = None
    if rerank:
        gallery = files.existing_gallery()
        if gallery is None:
            device = options.get('device')
            gallery = _first_gallery(files, trust, answers, device)
    return open_model(files, gallery, trust, **options)


def _first_gallery(
    files: ModelFiles, trust: bool, answers: 'Answers', device: str | None
) -> 'Path | Gallery | None':
    """Build and keep it; ``None`` where the config does not re-rank."""
    from mmc2f.apis import load_config
    from mmc2f.apis.config_file import find_config
    from mmc2f.apis.load_model import rerank_hook
    from mmc2f.apis.model_gallery import build_model_gallery
    from mmc2f.weights.trust import trust_files_of_this_process

    trust_files_of_this_process(trust)
    if not rerank_hook(load_config(find_config(files.config))):
        return None
    plain = open_model(files, None, trust, device=device)
    answers.note(
        'mmc2f: there is no gallery yet: the training images are embedded, '
        'once (--no-rerank does without)'
    )
    try:
        built = build_model_gallery(plain.model, files.checkpoint)
    except (OSError, ValueError) as error:
        answers.note(f'mmc2f: warning: nothing is re-ranked: {error}')
        return None
    try:
        built.save(files.gallery)
    except OSError as error:
        answers.note(f'mmc2f: warning: the gallery is not kept: {error}')
        return built
    answers.note(f'mmc2f: written: {files.gallery}')
    # As each later command reads it, so that they answer alike to a bit.
    return files.gallery


def _config_in(work_dir: Path) -> str:
    """The config that a training has left in its work dir."""
    found = sorted(work_dir.glob('*.py'))
    if not found:
        raise FileNotFoundError(
            f'{work_dir} is no work dir of a training: it holds no config'
        )
    if len(found) > 1:
        names = ', '.join(path.name for path in found)
        raise ValueError(
            f'{work_dir} holds several configs ({names}): give the path of '
            'one in its place, with --checkpoint'
        )
    return str(found[0])
