"""Scores of classes that only the gallery knows."""

import math

import pytest
import torch

from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor
from mmc2f.retrieval.gallery_only import extend_scores, pad_scores
from mmc2f.retrieval.rerank import NO_NEIGHBOUR


def naive(probs, cosines, topn, kappa):
    """The equation of the docstring, class by class."""
    known, every = len(probs), range(len(cosines))
    best = sorted(range(known), key=lambda c: (-probs[c], c))[:topn]
    added = range(known, len(cosines))
    weight = {
        c: math.exp(kappa * cosines[c]) if cosines[c] > NO_NEIGHBOUR else 0.0
        for c in (*best, *added)
    }
    total = sum(weight.values())
    share = {k: weight[k] / total if total else 0.0 for k in added}
    kept = {c for c in best if cosines[c] <= NO_NEIGHBOUR}
    u = sum(probs[c] for c in kept)
    scores = []
    for c in every:
        if c >= known:
            scores.append((1 - u) * share[c])
        elif c in kept:
            scores.append(probs[c])
        else:
            scores.append((1 - sum(share.values())) * probs[c])
    return scores


@pytest.mark.parametrize('topn', [1, 3, 9])
@pytest.mark.parametrize('num_added', [0, 1, 3])
@pytest.mark.parametrize('missing', [(), (0,), (0, 1, 2, 3, 4), (5,)])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_equals_the_equation(topn, num_added, missing, dtype):
    draw = torch.Generator().manual_seed(topn + 10 * num_added)
    probs = torch.randn(4, 5, generator=draw).mul(2).softmax(1).to(dtype)
    cosines = torch.rand(4, 5 + num_added, generator=draw) * 2 - 1
    for c in missing:
        cosines[:2, c : c + 1] = NO_NEIGHBOUR
    scores = extend_scores(probs, cosines, topn, kappa=7.0)
    assert scores.dtype == dtype
    expected = [
        naive(*row, topn, 7.0)
        for row in zip(probs.tolist(), cosines.tolist(), strict=True)
    ]
    torch.testing.assert_close(
        scores, torch.tensor(expected, dtype=dtype), rtol=1e-4, atol=1e-6
    )
    assert scores.sum(1).tolist() == pytest.approx([1.0] * 4)
    # The classes of the model keep their order.
    if not missing:
        order = probs.argsort(dim=1, descending=True)
        assert scores[:, :5].argsort(dim=1, descending=True).equal(order)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match='do not fit'):
        extend_scores(torch.ones(1, 3), torch.ones(1, 2), 5, 10.0)


def test_padding():
    assert pad_scores(torch.ones(2), 2).tolist() == [1, 1, 0, 0]
    assert pad_scores(torch.ones(3, 2), 1).shape == (3, 3)


@pytest.fixture
def gallery():
    """Two classes of a model at the axes, and a third beside."""
    gallery = Gallery()
    gallery.fill(
        torch.eye(3)[[0, 0, 1, 1]],
        torch.tensor([0, 0, 1, 1]),
        ['a0', 'a1', 'b0', 'b1'],
        {},
        class_names=['a', 'b'],
    )
    gallery.add(torch.eye(3)[[2, 2]], ['n0', 'n1'], 'new', is_new=True)
    return gallery


@pytest.mark.parametrize('mode', ['paper', 'kernel', 'prototypes'])
@pytest.mark.parametrize('gate', ['per_class', 'top1'])
def test_a_class_of_the_gallery_answers(gallery, mode, gate):
    """However sure the softmax is: it has never seen the class."""
    rule = ReRankPostProcessor(topn=3, topm=6, mode=mode, gate=gate)
    probs = torch.tensor([[0.99, 0.01], [0.99, 0.01], [0.2, 0.8]])
    queries = torch.eye(3)[[2, 0, 1]] + 0.05
    result = rule(probs, queries, gallery)
    assert result.scores.shape == result.extended.shape == (3, 3)
    assert result.scores.argmax(1).tolist() == [2, 0, 1]


def test_no_rule_no_answer_of_the_gallery(gallery):
    rule = ReRankPostProcessor(mode='none')
    probs = torch.tensor([[0.9, 0.1]])
    result = rule(probs, torch.eye(3)[[2]], gallery)
    assert result.scores.tolist() == [[*probs[0].tolist(), 0.0]]


def test_a_gallery_of_another_model_is_refused(gallery):
    rule = ReRankPostProcessor()
    with pytest.raises(ValueError, match='3 classes, the model of the gall'):
        rule(torch.ones(1, 3) / 3, torch.eye(3)[:1], gallery)


def test_samples_tell_both_scores(gallery):
    from mmpretrain.structures import DataSample

    reranker = ReRanker(ReRankPostProcessor(topn=3), gallery)
    probs = torch.tensor([[0.9, 0.1]])
    result = reranker(probs, torch.eye(3)[[2]])
    sample = DataSample()
    sample.coarse_score = probs[0]
    reranker.annotate(sample, result, 0)
    assert sample.coarse_score.tolist() == pytest.approx([0.9, 0.1, 0.0])
    assert sample.extended_score.equal(result.extended[0])
    assert sample.neighbour_ids[:2] == ['n0', 'n1']
