"""The calibrated modes against loops in plain Python."""

import itertools
import math

import pytest
import torch

from mmc2f.retrieval import (
    Gallery,
    ReRankPostProcessor,
    fit_temperature,
    rerank_by_kernel,
    rerank_by_prototypes,
    temper,
)
from mmc2f.retrieval.rerank import NO_NEIGHBOUR

TOLERANCE = 1e-4


def naive_temper(probs, temperature):
    powers = {c: p ** (1 / temperature) for c, p in probs.items()}
    total = sum(powers.values())
    return {c: p / total for c, p in powers.items()}


def naive_kernel(probs, sims, labels, topn, temperature, tau, weight):
    """Scores of the top n; None: left alone."""
    order = sorted(range(len(probs)), key=lambda c: (-probs[c], c))
    softmax = naive_temper({c: probs[c] for c in order[:topn]}, temperature)
    votes = dict.fromkeys(order[:topn], 0.0)
    for sim, label in zip(sims, labels, strict=True):
        if label in votes:
            votes[label] += math.exp(sim / tau)
    total = sum(votes.values())
    if total == 0:
        return None
    return {
        c: (1 - weight) * softmax[c] + weight * votes[c] / total
        for c in order[:topn]
    }


def naive_prototypes(probs, cosines, topn, temperature, kappa):
    """As above, with classes that have no prototype."""
    order = sorted(range(len(probs)), key=lambda c: (-probs[c], c))
    softmax = naive_temper({c: probs[c] for c in order[:topn]}, temperature)
    known = [c for c in order[:topn] if cosines[c] != NO_NEIGHBOUR]
    if not known:
        return None
    products = {c: softmax[c] * math.exp(kappa * cosines[c]) for c in known}
    share = sum(softmax[c] for c in known) / sum(products.values())
    return {**softmax, **{c: p * share for c, p in products.items()}}


def check(scores, probs, expected):
    """The top n have these scores, the others follow in coarse order."""
    if expected is None:
        assert scores.equal(probs)
        return
    coarse = sorted(range(len(probs)), key=lambda c: (-float(probs[c]), c))
    for c, value in expected.items():
        assert float(scores[c]) == pytest.approx(value, abs=TOLERANCE)
    ranked = scores[coarse[len(expected) :]]
    assert (ranked[:-1] > ranked[1:]).all()
    top = scores[list(expected)]
    assert not len(ranked) or ranked.max() < top.min()
    assert len(set(scores.tolist())) == len(scores)
    assert float(top.sum()) == pytest.approx(1, abs=TOLERANCE)


def random_case(generator):
    num_classes = int(torch.randint(2, 9, (1,), generator=generator))
    num_neighbours = int(torch.randint(0, 12, (1,), generator=generator))
    probs = (3 * torch.randn(4, num_classes, generator=generator)).double()
    sims = 2 * torch.rand(4, num_neighbours, generator=generator) - 1
    labels = torch.randint(
        -1, num_classes, (4, num_neighbours), generator=generator
    )
    return probs.softmax(1), sims.double(), labels


@pytest.mark.parametrize('temperature', [0.5, 1.0, 3.0])
@pytest.mark.parametrize('tau, weight', [(0.05, 0.5), (0.5, 1.0), (0.1, 0.0)])
def test_kernel_equals_naive_loop(temperature, tau, weight):
    generator = torch.Generator().manual_seed(0)
    for _, topn in itertools.product(range(20), (1, 2, 5, 50)):
        probs, sims, labels = random_case(generator)
        setting = (topn, temperature, tau, weight)
        scores = rerank_by_kernel(probs, sims, labels, *setting)
        assert scores.dtype == torch.float64
        for b in range(len(probs)):
            expected = naive_kernel(
                probs[b].tolist(), sims[b].tolist(), labels[b].tolist(),
                *setting,
            )  # fmt: skip
            check(scores[b], probs[b], expected)


@pytest.mark.parametrize('temperature', [0.5, 1.0, 3.0])
@pytest.mark.parametrize('kappa', [0.0, 5.0, 40.0])
def test_prototypes_equal_naive_loop(temperature, kappa):
    generator = torch.Generator().manual_seed(1)
    for _, topn in itertools.product(range(20), (1, 2, 5, 50)):
        probs, _, _ = random_case(generator)
        cosines = 2 * torch.rand(probs.shape, generator=generator) - 1
        is_missing = torch.rand(probs.shape, generator=generator) < 0.2
        cosines[is_missing] = NO_NEIGHBOUR
        setting = (topn, temperature, kappa)
        scores = rerank_by_prototypes(probs, cosines, *setting)
        for b in range(len(probs)):
            expected = naive_prototypes(
                probs[b].tolist(), cosines[b].tolist(), *setting
            )
            check(scores[b], probs[b], expected)


def test_temper_is_the_softmax_of_divided_logits():
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        temper(logits.softmax(1), 2.5), (logits / 2.5).softmax(1)
    )


def test_temperature_has_the_least_negative_log_likelihood():
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2000, 6, generator=generator)
    labels = logits.softmax(1).multinomial(1, generator=generator)[:, 0]
    # Logits that are three times too sure.
    probs = (3 * logits).softmax(1)
    temperature = fit_temperature(probs, labels)
    assert temperature == pytest.approx(3, rel=0.1)

    def loss(t):
        rows = temper(probs.double(), t)
        return float(-rows.gather(1, labels[:, None]).log().mean())

    assert loss(temperature) < min(
        loss(0.98 * temperature), loss(1.02 * temperature)
    )


def test_temperature_of_answers_that_are_always_right_is_finite():
    probs = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    assert 0.05 <= fit_temperature(probs, torch.tensor([0, 1])) < 0.06
    assert fit_temperature(probs, torch.tensor([1, 0])) > 19
    with pytest.raises(ValueError, match='one image or more'):
        fit_temperature(torch.zeros(0, 2), torch.zeros(0).long())


def test_sharp_kernels_do_not_underflow():
    probs = torch.tensor([[0.6, 0.4, 0.0]])
    # The nearest image is of a class that does not take part.
    sims = torch.tensor([[0.99, -0.9, -0.95]])
    labels = torch.tensor([[2, 1, 0]])
    scores = rerank_by_kernel(probs, sims, labels, 2, 1.0, 1e-3, 1.0)
    assert scores[0, 1] == pytest.approx(1, abs=1e-5)
    scores = rerank_by_prototypes(
        torch.tensor([[1.0, 0.0]]), torch.tensor([[-1.0, 1.0]]), 2, 1.0, 1e3
    )
    assert scores.isfinite().all() and scores.argmax() == 1


@pytest.mark.parametrize('bad', [float('nan'), float('-inf')])
def test_neighbours_that_are_none_do_not_vote(bad):
    probs = torch.tensor([[0.6, 0.4]])
    sims = torch.tensor([[bad, 0.2]])
    scores = rerank_by_kernel(
        probs, sims, torch.tensor([[0, 1]]), 2, 1.0, 0.1, 1.0
    )
    assert scores[0, 1] == pytest.approx(1, abs=1e-5)
    alone = rerank_by_kernel(
        probs, sims, torch.tensor([[0, -1]]), 2, 1.0, 0.1, 1.0
    )
    assert alone.equal(probs)


def test_half_precision_and_empty_batches():
    probs = torch.tensor([[0.6, 0.4]]).half()
    sims, labels = torch.tensor([[0.5]]).half(), torch.tensor([[1]])
    assert rerank_by_kernel(
        probs, sims, labels, 2, 1.0, 0.1, 0.5
    ).dtype == torch.float32  # fmt: skip
    empty = torch.zeros(0, 3)
    assert rerank_by_prototypes(empty, empty, 2, 1.0, 1.0).shape == (0, 3)
    with pytest.raises(ValueError, match='another class list'):
        rerank_by_prototypes(empty, torch.zeros(0, 4), 2, 1.0, 1.0)


@pytest.fixture
def gallery():
    generator = torch.Generator().manual_seed(0)
    gallery = Gallery(whiten='lda')
    gallery.fill(
        torch.rand(20, 6, generator=generator),
        torch.arange(20) % 4,
        [str(i) for i in range(20)],
        {},
    )
    return gallery


@pytest.fixture
def queries():
    generator = torch.Generator().manual_seed(1)
    probs = torch.rand(5, 4, generator=generator).softmax(1)
    return probs, torch.rand(5, 6, generator=generator)


def test_processor_of_each_mode(gallery, queries):
    probs, embeddings = queries
    found = gallery.search(embeddings, 7)
    setting = dict(topn=3, topm=7, temperature=2.0)
    kernel = ReRankPostProcessor(mode='kernel', tau=0.2, weight=0.7, **setting)
    assert kernel(probs, embeddings, gallery).scores.equal(
        rerank_by_kernel(
            probs, found.similarities, found.labels, 3, 2.0, 0.2, 0.7
        )
    )
    prototypes = ReRankPostProcessor(mode='prototypes', kappa=4, **setting)
    result = prototypes(probs, embeddings, gallery)
    assert result.scores.equal(
        rerank_by_prototypes(
            probs, gallery.class_similarities(embeddings), 3, 2.0, 4
        )
    )
    # Neighbours are there in every mode, for pictures and the table.
    assert result.neighbours.indices.equal(found.indices)
    none = ReRankPostProcessor(mode='none')
    assert none(probs, embeddings, gallery).scores.equal(probs)
    assert ReRankPostProcessor(mode='none', t_sf='auto').is_calibrated


def test_processor_tells_its_parameters():
    assert ReRankPostProcessor(mode='prototypes', kappa=3).params == dict(
        mode='prototypes', topn=5, topm=50, temperature=1.0, kappa=3
    )
    assert ReRankPostProcessor(mode='none').params == dict(
        mode='none', topn=5, topm=50
    )


@pytest.mark.parametrize(
    'arguments',
    [
        {'mode': 'best'},
        {'temperature': 0},
        {'tau': -1},
        {'weight': 1.5},
        {'kappa': -1},
    ],
)
def test_arguments_are_checked_at_once(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        ReRankPostProcessor(**arguments)
