"""The terms of a re-ranked image, against the scores that it was given."""

import json
import math

import pytest
import torch

from mmc2f.retrieval.calibrated_rerank import (
    rerank_by_kernel,
    rerank_by_prototypes,
)
from mmc2f.retrieval.rerank import NO_NEIGHBOUR, rerank
from mmc2f.retrieval.rerank_terms import rerank_terms
from mmc2f.retrieval.reranker import ReRankPostProcessor

NAMES = 'abcdef'
NOT_READ = ('mode', 'topm')
RULES = [
    dict(mode='paper', topn=3, t_sf=1.0, t_sc=0.2),
    dict(mode='paper', topn=4, t_sf=0.3, t_sc=0.5, alpha=0.5),
    dict(mode='paper', topn=9, t_sf=0.8, t_sc=0.3, gate='top1', alpha=1.0),
    dict(mode='kernel', topn=3, tau=0.1, weight=0.7, temperature=2.0),
    dict(mode='prototypes', topn=4, kappa=5.0, temperature=0.7),
    dict(mode='none'),
]


def drawn(seed):
    """Softmax (6,), four neighbours, cosines to six class means."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(6, generator=generator)
    similarities = torch.rand(4, generator=generator)
    labels = torch.randint(-1, 6, (4,), generator=generator)
    cosines = 2 * torch.rand(6, generator=generator) - 1
    cosines[seed % 6] = NO_NEIGHBOUR
    if seed % 5 == 0:
        cosines[:] = NO_NEIGHBOUR
    return logits.softmax(0), similarities, labels, cosines


def place_of(terms, name):
    """Place of a class among the terms."""
    return [NAMES[c] for c in terms.classes.tolist()].index(name)


def scored(rule, probs, similarities, labels, cosines):
    options = {k: v for k, v in rule.params.items() if k not in NOT_READ}
    if rule.mode == 'none':
        return probs
    if rule.mode == 'prototypes':
        return rerank_by_prototypes(probs[None], cosines[None], **options)[0]
    function = rerank if rule.mode == 'paper' else rerank_by_kernel
    return function(probs[None], similarities[None], labels[None], **options)[
        0
    ]


@pytest.mark.parametrize('options', RULES)
def test_terms_make_the_scores_and_their_order(options):
    rule = ReRankPostProcessor(**options)
    seen = set()
    for seed in range(40):
        found = drawn(seed)
        scores = scored(rule, *found)
        terms = rerank_terms(rule, *found)
        text = terms.describe(NAMES)
        assert json.loads(json.dumps(text, allow_nan=False)) == text
        probs = found[0]
        seen.add(text['decided_by'])
        assert text['winner'] == NAMES[int(scores.argmax())]
        assert text['changed'] == (scores.argmax() != probs.argmax())
        if terms.left_alone:
            assert scores.equal(probs)
            assert text['decided_by'] is None
            continue
        assert not scores.equal(probs)
        own = scores[terms.classes]
        assert torch.allclose(terms.mixed, own, atol=4e-6)
        best = terms.mixed.argsort(descending=True, stable=True)
        assert best.equal(own.argsort(descending=True, stable=True))
        whole = sum(text['margins'].values())
        if rule.mode == 'prototypes':
            rival = float(own[place_of(terms, text['rival'])])
            ratio = math.log(float(own.max()) / rival)
            # The scores were lifted by 2^-22 a class, against ties.
            close = pytest.approx(ratio, abs=1e-4 + 4 * 2**-22 / rival)
            assert whole == close
        else:
            lead = own.max() - own[place_of(terms, text['rival'])]
            assert whole == pytest.approx(float(lead), abs=4e-6)
        if text['changed']:
            # The softmax was for the other class.
            assert text['decided_by'] in ('votes', 'cosine')
    assert len(seen) > 1 or rule.mode == 'none'


def test_margins_of_a_case_by_hand():
    rule = ReRankPostProcessor(topn=2, t_sf=1.0, t_sc=0.5, alpha=0.5)
    text = rerank_terms(
        rule,
        torch.tensor([0.6, 0.3, 0.1]),
        torch.tensor([0.9, 0.6, 0.4]),
        torch.tensor([1, 0, 0]),
    ).describe(NAMES)
    # a: 0.5 * 0.6 + 0.6 / 1.5 = 0.7; b: 0.5 * 0.3 + 0.9 / 1.5 = 0.75.
    assert text['changed']
    assert text['winner'] == 'b' and text['rival'] == 'a'
    assert text['decided_by'] == 'votes'
    assert text['margins']['softmax'] == pytest.approx(-0.15)
    assert text['margins']['votes'] == pytest.approx(0.2)
    assert text['terms'][0]['votes'] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ('rule', 'message'),
    [
        (ReRankPostProcessor(mode='prototypes'), 'needs class_similarities'),
        (ReRankPostProcessor(t_sf='auto'), 'has no value yet'),
    ],
)
def test_what_the_terms_lack_is_named(rule, message):
    nothing = torch.empty(0), torch.empty(0, dtype=torch.long)
    with pytest.raises(ValueError, match=message):
        rerank_terms(rule, torch.tensor([0.6, 0.4]), *nothing)


def test_class_without_prototype_has_no_cosine():
    rule = ReRankPostProcessor(mode='prototypes', topn=2, kappa=2.0)
    cosines = torch.tensor([NO_NEIGHBOUR, 0.5, 0.5])
    terms = rerank_terms(
        rule,
        torch.tensor([0.6, 0.3, 0.1]),
        torch.empty(0),
        torch.empty(0, dtype=torch.long),
        cosines,
    )
    text = terms.describe(NAMES)
    assert text['terms'][0]['cosine'] is None
    assert text['terms'][1]['cosine'] == pytest.approx(1.0)
    # The only class with one keeps what it had.
    assert text['decided_by'] == 'log_softmax'
    assert text['margins']['log_softmax'] == pytest.approx(math.log(2))


def test_one_class_has_no_rival():
    rule = ReRankPostProcessor(topn=1, t_sf=1.0, t_sc=0.5)
    text = rerank_terms(
        rule, torch.tensor([0.6, 0.4]), torch.tensor([0.9]), torch.tensor([0])
    ).describe(NAMES)
    assert text['rival'] is None and text['decided_by'] is None
    assert text['margins'] == {}


def test_equals_stay_in_coarse_order():
    rule = ReRankPostProcessor(topn=2, t_sf=1.0, t_sc=0.5)
    text = rerank_terms(
        rule,
        torch.tensor([0.6, 0.4]),
        torch.tensor([0.75, 0.75]),
        torch.tensor([0, 1]),
    ).describe(NAMES)
    assert text['winner'] == 'a' and not text['changed']
    assert text['decided_by'] == 'coarse order'
