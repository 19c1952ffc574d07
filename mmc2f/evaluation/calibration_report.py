"""Curves of a calibration, as plain values for a JSON file."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmc2f.evaluation.functional.coverage_accuracy import coverage_accuracy

__all__ = ['TARGETS', 'level_curves', 'never_as_none', 'rule_curve']

#: Targets of the curve of the whole rule.
TARGETS = (*(i / 20 for i in range(10, 20)), 0.975, 0.99)
MOST_POINTS = 200


def level_curves(
    confidence: Tensor, correct: Tensor, names: Sequence[str]
) -> dict[str, dict[str, list[float]]]:
    """Coverage-accuracy curve of each level, as if it answered alone.

    Args:
        confidence: ``(N, L)``.
        correct: ``(N, L)`` bool.
        names: Names of the L levels.

    Returns:
        For each level ``coverage`` and ``accuracy`` from 0 to 1, thinned to
        :data:`MOST_POINTS` points with both ends.
    """
    curves = {}
    for level, name in enumerate(names):
        coverage, accuracy = coverage_accuracy(
            confidence[:, level], correct[:, level]
        )
        count = min(len(coverage), MOST_POINTS)
        kept = torch.linspace(0, len(coverage) - 1, count).round().long()
        curves[name] = {
            'coverage': coverage[kept].tolist(),
            'accuracy': accuracy[kept].tolist(),
        }
    return curves


def rule_curve(
    measure: Callable[[float], Mapping[str, float]],
) -> dict[str, list[float]]:
    """Coverage and accuracy of the whole rule, for one target after another.

    Args:
        measure: Gives :func:`selective_accuracy` for a target.

    Returns:
        ``target``, ``coverage`` and ``accuracy``, from 0 to 1, for the targets
        with which any image is answered.
    """
    curve: dict[str, list[float]] = {
        'target': [],
        'coverage': [],
        'accuracy': [],
    }
    for target in TARGETS:
        values = measure(target)
        if values['coverage'] > 0:
            curve['target'].append(target)
            curve['coverage'].append(values['coverage'] / 100)
            curve['accuracy'].append(values['selective_accuracy'] / 100)
    return curve


def never_as_none(value: Any) -> Any:
    """Replace non-finite numbers by ``None``; JSON has none.

    Args:
        value: A number, or lists and dicts of such and of anything else.
    """
    if isinstance(value, Mapping):
        return {key: never_as_none(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [never_as_none(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
