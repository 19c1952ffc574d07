"""The parameters of re-ranking that a page lets its user turn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from mmc2f.retrieval.reranker import MODES
from mmc2f.web.upload import Refused

__all__ = ['MODE_NAMES', 'Knob', 'knobs_of', 'read_knobs']


@dataclass(frozen=True)
class Knob:
    """A slider.

    Attributes:
        name: Argument of :class:`mmc2f.ReRankPostProcessor`.
        label: What it is called on the page.
        hint: What it does, in a line.
        low, high, step: Its range.
        modes: Those that read it.
        value: Where it stands at first.
    """

    name: str
    label: str
    hint: str
    low: float
    high: float
    step: float
    modes: tuple[str, ...]
    value: float = 0.0


#: What the modes of :class:`mmc2f.ReRankPostProcessor` are called.
MODE_NAMES = {
    'paper': 'paper (Eq. 8-9)',
    'kernel': 'kernel votes',
    'prototypes': 'class means',
    'none': 'off',
}
RERANKING = ('paper', 'kernel', 'prototypes')
CALIBRATED = ('kernel', 'prototypes')
KNOBS = (
    Knob(
        't_sf',
        'T_sf',
        'A class whose softmax reaches it keeps its softmax',
        *(0.0, 1.0, 0.01),
        ('paper',),
    ),
    Knob(
        't_sc',
        'T_sc',
        'Neighbours count that are more similar than this',
        *(0.0, 1.0, 0.01),
        ('paper',),
    ),
    Knob(
        'kappa',
        'κ',
        'Weight of the similarity to the class means',
        *(0.0, 60.0, 0.1),
        ('prototypes',),
    ),
    Knob(
        'weight',
        'w',
        'Share of the votes of the neighbours',
        *(0.0, 1.0, 0.01),
        ('kernel',),
    ),
    Knob(
        'tau',
        'τ',
        'Small: only the nearest neighbours vote',
        *(0.005, 0.5, 0.005),
        ('kernel',),
    ),
    Knob(
        'temperature',
        'T',
        'Temperature of the softmax; above 1 it is less sure',
        *(0.05, 10.0, 0.05),
        CALIBRATED,
    ),
    Knob(
        'topn',
        'top n',
        'How many of the best classes are re-ranked',
        *(1, 20, 1),
        RERANKING,
    ),
)


def knobs_of(defaults: Mapping[str, Any], num_classes: int) -> list[Knob]:
    """The sliders of a model, where its own parameters put them.

    Args:
        defaults: All parameters of its re-ranking.
        num_classes: Classes that it knows.
    """
    knobs = []
    for knob in KNOBS:
        value, high = defaults[knob.name], knob.high
        if knob.name == 'topn':
            # One class has no order; more than there are mean all of them.
            high = max(2, min(int(high), num_classes))
            value = min(value, high)
        knobs.append(
            replace(
                knob,
                value=value,
                low=min(knob.low, value),
                high=max(high, value),
            )
        )
    return knobs


def read_knobs(mode: object, values: tuple) -> dict[str, Any]:
    """Parameters from what the sliders say.

    Args:
        mode: Of :class:`mmc2f.ReRankPostProcessor`.
        values: Of each of :func:`knobs_of`, in order.

    Raises:
        Refused: There is no such mode, or a value is no number.
    """
    if (
        not isinstance(mode, str)
        or mode not in MODES
        or len(values) != len(KNOBS)
    ):
        raise Refused('There is no such re-ranking.')
    parameters: dict[str, Any] = {'mode': mode}
    for knob, value in zip(KNOBS, values, strict=True):
        is_number = isinstance(value, (int, float)) and isfinite(value)
        if isinstance(value, bool) or not is_number:
            raise Refused(f'{knob.label} is a number.')
        whole = isinstance(knob.step, int)
        parameters[knob.name] = round(value) if whole else float(value)
    return parameters
