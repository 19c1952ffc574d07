"""The chosen re-ranking, and the file beside a checkpoint that keeps it."""

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from mmc2f.files import read_json, write_json
from mmc2f.retrieval.reranker import ReRankPostProcessor
from mmc2f.retrieval.tune_cascade import TunedCascade

__all__ = [
    'TunedReRank',
    'chosen_rerank',
    'find_cascade',
    'find_tuned',
    'side_file',
]

_FORMAT = 'mmc2f.rerank'
_VERSION = 1


@dataclass(frozen=True)
class TunedReRank:
    """What :func:`tune_rerank` chose, and why. Accuracies in percent.

    Attributes:
        params: Arguments of :class:`mmc2f.ReRankPostProcessor`; ``{'mode':
            'none'}`` where no setting is sure to help.
        whiten: Argument of :class:`mmc2f.Gallery`.
        gain: Cross-validated top-1 of the candidate minus the coarse one.
        low, high: Ends of the interval of the gain.
        coarse_accuracy: Top-1 without re-ranking.
        num_images: Held-out images it rests on.
        temperature: Of the softmax, by likelihood.
        candidate: The best parameters, whether they help or not.
        candidate_whiten: The gallery that they belong to.
        tried: The best setting of each mode and gallery, with its accuracy
            (on the images that chose it, so a little too high) and curves
            over each parameter.
        weights: Fingerprint of the weights, or ``None``.
        cascade: Which images need the re-ranked answer, or ``None`` where
            that was not asked.
    """

    params: dict[str, Any]
    whiten: str | None
    gain: float
    low: float
    high: float
    coarse_accuracy: float
    num_images: int
    temperature: float
    candidate: dict[str, Any]
    candidate_whiten: str | None
    tried: list[dict[str, Any]] = field(repr=False)
    weights: str | None = None
    cascade: TunedCascade | None = None

    @property
    def helps(self) -> bool:
        """Whether re-ranking is sure to help."""
        return self.params['mode'] != 'none'

    def post_processor(self) -> ReRankPostProcessor:
        """The chosen re-ranking."""
        return ReRankPostProcessor(**self.params)

    def check_weights(self, weights: str, path: Path) -> None:
        """Refuse parameters in a file beside other weights.

        Raises:
            ValueError: They were tuned for others.
        """
        if self.weights not in (None, weights):
            raise ValueError(
                f'{path} was made for other weights than those of the '
                'checkpoint beside it: run tools/tune_rerank.py again.'
            )

    def summary(self) -> str:
        """The choice in a sentence."""
        interval = (
            f'{self.gain:+.2f} points [{self.low:+.2f}, {self.high:+.2f}] on '
            f'{self.num_images} held-out images'
        )
        values = ', '.join(f'{k}={v!r}' for k, v in self.candidate.items())
        chosen = f'{values}, whiten={self.candidate_whiten!r}'
        if self.helps:
            return f'Re-ranking helps, {interval}: {chosen}'
        return (
            f'Re-ranking is not sure to help, {interval} with the best '
            f'setting ({chosen}): the coarse answer stays (mode none)'
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write a JSON file; the old one stays whole until the new one is."""
        content = {'format': _FORMAT, 'version': _VERSION, **asdict(self)}
        write_json(path, content, indent=1)

    @classmethod
    def load(cls, path: str | os.PathLike) -> 'TunedReRank':
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is something else.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f'There are no tuned re-ranking parameters {path}: make them '
                'with tools/tune_rerank.py.'
            )
        try:
            content = read_json(path)
            is_ours = content.pop('format') == _FORMAT
            if not is_ours or content.pop('version') != _VERSION:
                raise ValueError('another format or version')
            cascade = content.pop('cascade', None)
            if cascade is not None:
                cascade = TunedCascade(**cascade)
            tuned = cls(**content, cascade=cascade)
            tuned.post_processor()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f'{path} is not what tools/tune_rerank.py writes ({error}). '
                'Make it anew.'
            ) from error
        return tuned


def side_file(checkpoint: str | os.PathLike) -> Path:
    """Where the parameters for a checkpoint are: ``epoch_6.rerank.json``."""
    return Path(checkpoint).with_suffix('.rerank.json')


def find_tuned(
    params: str | os.PathLike,
    checkpoint: str | os.PathLike | None,
    weights: str | None = None,
) -> TunedReRank | None:
    """The tuned parameters that a config means by ``params``.

    Args:
        params: ``'auto'`` or ``'if_tuned'`` for the file beside the
            checkpoint, or a file.
        checkpoint: The weights that are used.
        weights: Their fingerprint. Of a file that is named it is not
            checked: parameters tuned on models that were trained on parts of
            the images are meant for one that was trained on all.

    Returns:
        ``None`` where there is no file beside the checkpoint, for
        ``'auto'`` with a warning.

    Raises:
        FileNotFoundError: The file that is named is missing.
        ValueError: The file is damaged, or the one beside the checkpoint
            was made for other weights.
    """
    if params not in ('auto', 'if_tuned'):
        return TunedReRank.load(params)
    path = None if checkpoint is None else side_file(checkpoint)
    if path is None or not path.is_file():
        if params == 'if_tuned':
            return None
        print_log(
            "params='auto' finds no tuned re-ranking parameters"
            f'{"" if path is None else f" {path}"}, so the coarse answer '
            'stays: run tools/tune_rerank.py.',
            logger='current',
            level=logging.WARNING,
        )
        return None
    tuned = TunedReRank.load(path)
    if weights is not None:
        tuned.check_weights(weights, path)
    return tuned


def find_cascade(
    threshold: float | str | os.PathLike,
    checkpoint: str | os.PathLike | None,
    weights: str | None = None,
) -> float | None:
    """The threshold that ``cascade`` of a config means.

    Args:
        threshold: A number; ``'auto'`` for the file beside the checkpoint,
            or such a file.
        checkpoint, weights: See :func:`find_tuned`.

    Returns:
        ``None`` where the file says that all images must go on.

    Raises:
        FileNotFoundError: There is no file.
        ValueError: It has no threshold, is damaged, or was made for other
            weights.
    """
    if isinstance(threshold, int | float):
        return threshold
    path = Path(threshold)
    if threshold == 'auto':
        if checkpoint is None:
            raise ValueError(
                "cascade='auto' looks for a threshold beside a checkpoint, "
                'and there is none: give the number'
            )
        path = side_file(checkpoint)
    tuned = TunedReRank.load(path)
    if threshold == 'auto' and weights is not None:
        tuned.check_weights(weights, path)
    if tuned.cascade is None:
        raise ValueError(
            f'{path} has no threshold of a cascade: make it anew with '
            'tools/tune_rerank.py, for a model with a global pass, such as '
            'mmc2f.CCFR'
        )
    return tuned.cascade.threshold


def chosen_rerank(
    params: str | os.PathLike | None,
    post_processor: Mapping[str, Any],
    gallery: Mapping[str, Any],
    checkpoint: str | os.PathLike | None,
    weights: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], TunedReRank | None]:
    """Configs of re-ranking and gallery, by the tuned parameters if asked.

    Args:
        params: Of :class:`mmc2f.ReRankHook`; ``None`` asks for none.
        post_processor: Config of the re-ranking, with its ``type``.
        gallery: Config of the gallery.
        checkpoint, weights: See :func:`find_tuned`.

    Returns:
        Both configs, and the tuned parameters where they are used.

    Raises:
        FileNotFoundError, ValueError: As :func:`find_tuned`.
    """
    own, gallery = dict(post_processor), dict(gallery)
    if params is None:
        return own, gallery, None
    tuned = find_tuned(params, checkpoint, weights)
    if tuned is None:
        if params != 'if_tuned':
            own = {'mode': 'none', **own}
        return own, gallery, None
    if params == 'if_tuned':
        # All of it is the file's.
        own = {'type': own['type']}
        gallery.pop('whiten', None)
    if tuned.whiten is not None:
        gallery = {'whiten': tuned.whiten, **gallery}
    return {**tuned.params, **own}, gallery, tuned
