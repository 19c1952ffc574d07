"""Which combination of classifiers answers each level best."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmc2f.structures import LabelTree, combine_levels

__all__ = ['LevelWeight', 'calibrate_level_weights']

WEIGHTS = tuple(i / 20 for i in range(21))
#: 1 first: of equals the first is taken.
SHARPNESSES = (1.0, 2.0, 4.0, 8.0, float('inf'))


@dataclass(frozen=True)
class LevelWeight:
    """The choice for one level, and what it was chosen over.

    Args:
        weight, sharpness: For :func:`combine_levels`.
        accuracy: In percent, on the images that the choice was made on.
        own: Of the level's own classifier.
        implied: Of the class that holds the finest answer.
        marginal: Of the summed finest probabilities.
        images: How many.
    """

    weight: float
    sharpness: float
    accuracy: float
    own: float
    implied: float
    marginal: float
    images: int


def calibrate_level_weights(
    level_logits: Sequence[Tensor],
    targets: Tensor,
    tree: LabelTree,
    asked: Tensor | None = None,
    weights: Sequence[float] = WEIGHTS,
    sharpnesses: Sequence[float] = SHARPNESSES,
) -> list[LevelWeight]:
    """Choose weight and sharpness of :func:`combine_levels` for each level.

    Of all pairs whose answers are at least as often right as the implied
    answer, the marginal one and the level's own classifier, the one with the
    least mean negative log likelihood of the true class. The pairs
    ``(0, inf)``, ``(0, 1)`` and ``(1, 1)`` are these three answers, so that
    there always is such a pair: **on these images** asking for a level is
    never worse than what the finest answer implies. On others it holds as
    far as these images are like them. Likelihood, not accuracy, chooses
    among the rest: it changes smoothly, so that it follows chance less, and
    it keeps probabilities meaningful.

    Args:
        level_logits: ``(N, C_l)`` of each level, of images that the model
            has not been trained on.
        targets: ``(N, L)`` true class of each level.
        tree: Hierarchy.
        asked: ``(N,)`` level that each image was made for. A level is judged
            by its own images alone, where there are any, as its weights are
            used with those. ``None``: by all.
        weights, sharpnesses: To choose from; 0 and 1, and 1 and infinity,
            are added.

    Returns:
        A choice for each level. The finest has nothing to combine: its
        weight and sharpness are 1.

    Raises:
        ValueError: There is no image, shapes do not fit, or as
            :func:`combine_levels`.
    """
    rows = len(level_logits[0])
    if not rows:
        raise ValueError('no image to choose weights on')
    if targets.shape != (rows, tree.num_levels):
        raise ValueError(
            f'targets must be ({rows}, {tree.num_levels}), but are '
            f'{tuple(targets.shape)}'
        )
    pairs = [(0.0, 1.0), (0.0, float('inf')), (1.0, 1.0)]
    pairs += [(w, s) for s in sharpnesses for w in weights]
    choices = []
    for level in range(tree.num_levels):
        own = torch.ones(rows, dtype=torch.bool)
        if asked is not None and (asked == level).any():
            own = (asked == level).cpu()
        logits = [z[own.to(z.device)] for z in level_logits]
        choices.append(
            _choose(logits, targets[own, level], tree, level, pairs)
        )
    return choices


def _choose(
    logits: Sequence[Tensor],
    target: Tensor,
    tree: LabelTree,
    level: int,
    pairs: Sequence[tuple[float, float]],
) -> LevelWeight:
    if level == 0:
        pairs = [(1.0, 1.0)]
    measured = {}
    for pair in dict.fromkeys(pairs):
        scores = combine_levels(logits, tree, *pair)[level].double()
        right = (scores.argmax(dim=1) == target.to(scores.device)).sum()
        of_truth = scores.gather(1, target.to(scores.device)[:, None])
        measured[pair] = int(right), -of_truth.log().mean().item()
    first, implied, own = (
        measured.get(pair, measured[pairs[0]])[0]
        for pair in ((0.0, 1.0), (0.0, float('inf')), (1.0, 1.0))
    )
    needed = max(first, implied, own)
    # Of equals the first: min is stable.
    best = min(
        (pair for pair, (right, _) in measured.items() if right >= needed),
        key=lambda pair: measured[pair][1],
    )
    count = len(target)
    return LevelWeight(
        *best,
        100 * measured[best][0] / count,
        100 * own / count,
        100 * implied / count,
        100 * first / count,
        count,
    )
