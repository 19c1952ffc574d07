"""A stratified split that tears no group of near duplicates.

scikit-learn's ``StratifiedGroupKFold`` balances the classes of folds, but
may leave a class without any image to train on, which the training refuses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ['LEAST_TO_TRAIN', 'propose_split']

#: So many images of a class stay in training whatever the fractions are: the
#: triplet loss compares two.
LEAST_TO_TRAIN = 2


def propose_split(
    labels: Sequence[str],
    groups: Sequence[int],
    fractions: Mapping[str, float],
    seed: int = 0,
) -> list[str]:
    """Choose a split for each image.

    Class by class, the rarest first, random groups go to a split as long as
    this brings it nearer to its part of the class. A class that this leaves
    without an image there gives its smallest group, if it can spare it.

    Args:
        labels: Class of each of the N images.
        groups: Group of each; images of one group stay together, also where
            they are of several classes.
        fractions: Part of the images of each class that goes to a split, such
            as ``{'val': 0.2}``. The others are ``'train'``.
        seed: Chooses the groups; nothing else does.

    Returns:
        N names of splits. Every class keeps :data:`LEAST_TO_TRAIN` images to
        train on, or all that it has.

    Raises:
        ValueError: The fractions are none, or leave nothing to train on.
    """
    _check_fractions(fractions)
    rng = np.random.default_rng(seed)
    content: dict[int, Counter[str]] = {}
    for group, label in zip(groups, labels, strict=True):
        content.setdefault(group, Counter())[label] += 1
    total = Counter(labels)
    homes: dict[str, list[int]] = {label: [] for label in sorted(total)}
    for group in content:
        for label in content[group]:
            homes[label].append(group)
    # Rarest first: others have more groups to choose from.
    order = sorted(homes, key=lambda label: (len(homes[label]), label))
    split_of_group: dict[int, str] = {}
    train = Counter(total)
    for split, fraction in fractions.items():
        held: Counter[str] = Counter()
        for label in order:
            free = [g for g in homes[label] if g not in split_of_group]
            free = [free[i] for i in rng.permutation(len(free))]
            target = round(fraction * total[label])
            for group in _chosen(label, free, target, content, train, held):
                split_of_group[group] = split
    return [split_of_group.get(group, 'train') for group in groups]


def _check_fractions(fractions: Mapping[str, float]) -> None:
    for split, fraction in fractions.items():
        if not 0 < fraction < 1:
            raise ValueError(
                f'the fraction of {split} must be between 0 and 1, got '
                f'{fraction}'
            )
    if sum(fractions.values()) >= 1:
        raise ValueError(
            f'the fractions of {" and ".join(fractions)} leave nothing to '
            'train on'
        )


def _chosen(
    label: str,
    free: Sequence[int],
    target: int,
    content: Mapping[int, Counter[str]],
    train: Counter[str],
    held: Counter[str],
) -> list[int]:
    """Groups of a class to hold out; the counts are brought up to date."""
    chosen = []

    def take(group: int) -> None:
        chosen.append(group)
        train.subtract(content[group])
        held.update(content[group])

    for group in free:
        count, missing = content[group][label], target - held[label]
        if count < 2 * missing and _can_go(content[group], train):
            take(group)
    if not held[label]:
        spare = [g for g in free if _can_go(content[g], train)]
        if spare:
            take(min(spare, key=lambda g: content[g][label]))
    return chosen


def _can_go(counts: Counter[str], train: Counter[str]) -> bool:
    """Whether each class of a group keeps enough to train on."""
    return all(
        train[label] - count >= LEAST_TO_TRAIN
        for label, count in counts.items()
    )
