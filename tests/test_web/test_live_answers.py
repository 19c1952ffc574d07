"""Parameters act without a forward pass, and as the inferencer has them."""

import numpy as np
import pytest
import torch

from mmc2f.retrieval import ReRanker, ReRankPostProcessor

PARAMETERS = [
    dict(mode='paper', t_sf=1.0, t_sc=0.0),
    dict(mode='paper', t_sf=0.0),
    dict(mode='kernel', weight=0.9, tau=0.02),
    dict(mode='prototypes', kappa=30.0, topn=4),
    dict(mode='none'),
]


@pytest.fixture
def pixels():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (90, 70, 3), dtype=np.uint8)


def test_many_answers_take_one_forward_pass(answers, count, pixels):
    seen = answers.see(pixels, pixels[::2, ::2, ::-1])
    told = [answers.answer(seen, parameters) for parameters in PARAMETERS]
    assert count.forward_passes == 1
    assert len({str(answer['reranked']) for answer in told}) > 2
    assert seen.factor == 0.5


@pytest.mark.parametrize('parameters', PARAMETERS)
def test_answers_are_those_of_the_inferencer(
    make_answers, tiny, pixels, parameters
):
    answers = make_answers(topn=3)
    model, gallery = tiny
    seen = answers.see(pixels, pixels)
    told = answers.answer(seen, parameters)
    rule = ReRankPostProcessor(**{**answers.defaults, **parameters})
    reranker = ReRanker(rule, gallery)
    # As an inferencer that was built with these parameters.
    inferencer = answers._inferencer
    model.attach_reranker(reranker)
    inferencer.reranker = reranker
    (expected,) = inferencer(pixels, num_neighbours=8)
    assert told == expected


def test_an_answer_leaves_what_was_seen(answers, pixels):
    seen = answers.see(pixels, pixels)
    before = {
        key: value.clone()
        for key, value in seen.sample.items()
        if isinstance(value, torch.Tensor)
    }
    first = answers.answer(seen)
    answers.answer(seen, dict(mode='kernel', weight=1.0))
    assert answers.answer(seen) == first
    assert before.keys() == {
        key
        for key, value in seen.sample.items()
        if isinstance(value, torch.Tensor)
    }
    for key, value in before.items():
        assert torch.equal(seen.sample.get(key), value), key


def test_without_a_gallery_there_is_the_coarse_answer(make_answers, pixels):
    answers = make_answers(has_gallery=False)
    told = answers.answer(answers.see(pixels, pixels), dict(t_sf=0.1))
    assert answers.defaults is None
    assert 'reranked' not in told
    assert told['pred_class'] == told['coarse_class']


def test_classes_that_only_the_gallery_knows(tiny, make_answers, pixels):
    import copy

    answers = make_answers(topn=4)
    gallery = copy.deepcopy(tiny[1])
    seen = answers.see(pixels, pixels)
    gallery.add(
        seen.sample.embedding[None], ['seen.png'], 'novel', is_new=True
    )
    answers._gallery = gallery
    answers._inferencer.classes = [*answers._inferencer.classes, 'novel']
    for kappa in (0.0, 40.0):
        parameters = dict(mode='prototypes', kappa=kappa)
        told = answers.answer(seen, parameters)
        assert len(told['coarse']) == 5
        assert told == answers.answer(seen, parameters)
    assert told['pred_class'] == 'novel'
    assert answers.num_classes == 5


@pytest.mark.parametrize(
    ('parameters', 'error'),
    [
        (dict(t_sf=2.0), ValueError),
        (dict(mode='other'), ValueError),
        (dict(topn='five'), (TypeError, ValueError)),
    ],
)
def test_wrong_parameters(answers, pixels, parameters, error):
    seen = answers.see(pixels, pixels)
    with pytest.raises(error):
        answers.answer(seen, parameters)
