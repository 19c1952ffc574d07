"""Sliders start where the model is, and hold what the re-ranking takes."""

import pytest

from mmc2f.retrieval import ReRankPostProcessor
from mmc2f.retrieval.reranker import MODES
from mmc2f.web.knobs import KNOBS, MODE_NAMES, knobs_of, read_knobs

DEFAULTS = dict(
    t_sf=0.5,
    t_sc=0.7,
    kappa=10.0,
    weight=0.5,
    tau=0.05,
    temperature=1.0,
    topn=5,
)


def test_every_mode_and_only_what_it_reads():
    assert set(MODE_NAMES) <= set(MODES)
    for knob in KNOBS:
        for mode in knob.modes:
            assert knob.name in (*MODES[mode], 'topn')
    # Of the modes on the page only the paper's mixture is not.
    named = {knob.name for knob in KNOBS}
    read = set().union(*(MODES[mode] for mode in MODE_NAMES))
    assert read - named == {'alpha', 'beta', 'gate'}


@pytest.mark.parametrize('mode', MODE_NAMES)
@pytest.mark.parametrize('end', ['low', 'high'])
def test_both_ends_are_taken(mode, end):
    knobs = knobs_of(DEFAULTS, 100)
    values = tuple(getattr(knob, end) for knob in knobs)
    ReRankPostProcessor(**read_knobs(mode, values))


def test_they_start_where_the_model_is():
    knobs = {k.name: k for k in knobs_of(DEFAULTS, 100)}
    assert {name: k.value for name, k in knobs.items()} == DEFAULTS
    assert knobs['topn'].high == 20


def test_a_tuned_value_beyond_the_range_widens_it():
    tuned = {**DEFAULTS, 'kappa': 200.0, 'temperature': 0.01, 'topn': 50}
    knobs = {k.name: k for k in knobs_of(tuned, 100)}
    assert knobs['kappa'].high == 200
    assert knobs['temperature'].low == 0.01
    assert knobs['topn'].value == knobs['topn'].high == 20


@pytest.mark.parametrize(('classes', 'high'), [(1, 2), (3, 3), (500, 20)])
def test_no_more_classes_than_there_are(classes, high):
    topn = knobs_of(DEFAULTS, classes)[-1]
    assert topn.high == high
    assert topn.value <= high


def test_top_n_is_whole():
    values = (0.1, 0.2, 3, 0.4, 0.5, 6, 4.0)
    told = read_knobs('paper', values)
    assert told == dict(
        mode='paper',
        t_sf=0.1,
        t_sc=0.2,
        kappa=3.0,
        weight=0.4,
        tau=0.5,
        temperature=6.0,
        topn=4,
    )
    assert isinstance(told['topn'], int)


@pytest.mark.parametrize('wrong', [None, 'a', True, [1], float('nan'), {}])
def test_what_is_no_number(wrong):
    values = [*DEFAULTS.values()]
    for place in (0, 6):
        asked = (*values[:place], wrong, *values[place + 1 :])
        with pytest.raises(ValueError, match='is a number'):
            read_knobs('paper', asked)


@pytest.mark.parametrize(
    ('mode', 'count'),
    [('other', 7), (None, 7), ([], 7), ('paper', 6), ('paper', 8)],
)
def test_what_is_no_re_ranking(mode, count):
    with pytest.raises(ValueError, match='no such re-ranking'):
        read_knobs(mode, (1.0,) * count)
