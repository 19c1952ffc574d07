"""Search of the resolutions at which coarser levels take over."""

from collections.abc import Callable, Sequence
from itertools import pairwise

__all__ = ['search_resolutions']


def search_resolutions(
    accuracy_of: Callable[[int, int], float],
    resolutions: Sequence[int],
    thresholds: Sequence[float],
) -> tuple[int, ...]:
    """Find r_med and r_low of "Coarse-to-Fine Grained Classification".

    Section 2: the resolution is lowered step by step until the accuracy at the
    current level drops below its threshold, which gives the first resolution.
    The search then continues with the next level from the next lower
    resolution. A level may drop below its threshold at the first resolution
    that is left for it.

    Args:
        accuracy_of: Accuracy, a share from 0 to 1, by level (0 is the
            finest) and resolution. Called at most once per pair, and only for
            the pairs that the search needs.
        resolutions: To choose from, in pixels; in any order, each once.
        thresholds: t_med, t_low, ...: of level 0, 1, ..., above 0 and at
            most 1.

    Returns:
        One resolution per threshold, descending. At the i-th, level i + 1
        takes over from level i.

    Raises:
        ValueError: Level 0 is below its threshold at the highest resolution
            already; a level never drops below its threshold, or is left with
            no resolution; or an argument is not as described.
    """
    _check_thresholds(thresholds)
    descending = _descending(resolutions)
    left = iter(descending)
    found: list[int] = []
    for level, threshold in enumerate(thresholds):
        last = None
        for resolution in left:
            accuracy = _checked(accuracy_of(level, resolution), resolution)
            if accuracy < threshold:
                break
            last = resolution, accuracy
        else:
            raise ValueError(_exhausted(level, threshold, last, found))
        if level == 0 and last is None:
            raise ValueError(_hopeless(resolution, accuracy, threshold))
        found.append(resolution)
    return tuple(found)


def _check_thresholds(thresholds: Sequence[float]) -> None:
    if not len(thresholds):
        raise ValueError('There is no threshold to search by.')
    for threshold in thresholds:
        if not 0 < threshold <= 1:
            raise ValueError(
                'A threshold must be a share above 0 and at most 1, got '
                f'{threshold:g}.'
            )


def _descending(resolutions: Sequence[int]) -> list[int]:
    descending = sorted(resolutions, reverse=True)
    if not descending:
        raise ValueError('There is no resolution to choose from.')
    if descending[-1] <= 0:
        raise ValueError(
            f'Resolutions must be positive, got {descending[-1]}.'
        )
    for one, other in pairwise(descending):
        if one == other:
            raise ValueError(f'Resolution {one} is given more than once.')
    return descending


def _checked(accuracy: float, resolution: int) -> float:
    if not 0 <= accuracy <= 1:  # NaN too
        raise ValueError(
            'Accuracies must be shares from 0 to 1, got '
            f'{accuracy:g} at resolution {resolution}.'
        )
    return accuracy


def _hopeless(resolution: int, accuracy: float, threshold: float) -> str:
    return (
        f'At the highest resolution, {resolution}, the accuracy at level 0 '
        f'is {accuracy:.3f} already, {threshold - accuracy:.3f} below its '
        f'threshold {threshold:g}. Lower the threshold, make it a share of '
        'that accuracy (--relative of tools/search_resolution.py), or train '
        'the classifier further.'
    )


def _exhausted(
    level: int,
    threshold: float,
    last: tuple[int, float] | None,
    found: Sequence[int],
) -> str:
    """Why no resolution is left for a level."""
    remedy = 'Add lower resolutions'
    if last is None:
        return (
            f'No resolution below {found[-1]}, where level {level - 1} ends, '
            f'is left for level {level}. {remedy}.'
        )
    return (
        f'Level {level} never drops below its threshold {threshold:g}: at '
        f'the lowest resolution, {last[0]}, its accuracy is still '
        f'{last[1]:.3f}. {remedy} or raise the threshold.'
    )
