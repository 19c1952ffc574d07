"""The batched re-ranking against a loop written from CCFR Eq. (8)-(9)."""

import itertools

import pytest
import torch

from mmc2f.retrieval.rerank import (
    GATES,
    NO_NEIGHBOUR,
    mix_scores,
    rerank,
    retrieval_scores,
    retrieval_votes,
    strict_order,
)

TOLERANCE = 1e-4


def naive_equation(
    probs, sims, labels, topn, t_sf, t_sc, alpha, beta, gate
) -> tuple[list[int], dict[int, float]] | None:
    """Order of all classes and Eq. 8 of the top n; None: left alone."""
    num_classes = len(probs)
    coarse_order = sorted(range(num_classes), key=lambda c: (-probs[c], c))
    top = coarse_order[:topn]
    if gate == 'top1' and probs[top[0]] >= t_sf:
        return None
    summed = dict.fromkeys(top, 0.0)
    for sim, label in zip(sims, labels, strict=True):
        if sim > t_sc and label in summed:
            summed[label] += sim
    denominator = sum(summed.values())
    if denominator == 0:
        return None
    scores = {}
    for c in top:
        if gate == 'per_class' and probs[c] >= t_sf:
            scores[c] = probs[c]
        else:
            scores[c] = alpha * probs[c] + beta * summed[c] / denominator
    order = sorted(top, key=lambda c: (-scores[c], -probs[c], c))
    return order + coarse_order[topn:], scores


def random_case(generator, coarse_grid: bool):
    """Probabilities and neighbours; a coarse grid makes many exact ties."""

    def draw(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    def draw_int(low, high, *shape):
        return torch.randint(low, high, shape, generator=generator)

    num_classes = int(draw_int(1, 9))
    num_neighbours = int(draw_int(0, 12))
    batch = int(draw_int(1, 5))
    probs = (3 * torch.randn(batch, num_classes, generator=generator)).double()
    probs = probs.softmax(1)
    sims = draw(batch, num_neighbours)
    if coarse_grid:
        # Quarters and eighths: sums and quotients of equals are equal in
        # both computations.
        probs = draw_int(0, 5, batch, num_classes).double() / 8
        sims = draw_int(4, 9, batch, num_neighbours).double() / 8
    labels = draw_int(-1, num_classes, batch, num_neighbours)
    return probs, sims, labels


@pytest.mark.parametrize('gate', GATES)
@pytest.mark.parametrize('coarse_grid', [False, True])
@pytest.mark.parametrize(
    'alpha, beta', [(0.0, 1.0), (1.0, 1.0), (0.5, 0.25), (0.0, 0.0), (4, 8)]
)
def test_equals_naive_loop(gate, coarse_grid, alpha, beta):
    generator = torch.Generator().manual_seed(0)
    num_reranked = 0
    for _ in range(20):
        probs, sims, labels = random_case(generator, coarse_grid)
        num_classes = probs.shape[1]
        for topn, t_sf, t_sc in itertools.product(
            range(1, num_classes + 1), (0.25, 0.75), (0.5, 0.75)
        ):
            setting = (topn, t_sf, t_sc, alpha, beta, gate)
            scores = rerank(probs, sims, labels, *setting)
            assert scores.dtype == torch.float64
            for b in range(len(probs)):
                expected = naive_equation(
                    probs[b].tolist(),
                    sims[b].tolist(),
                    labels[b].tolist(),
                    *setting,
                )
                if expected is None:
                    assert scores[b].equal(probs[b])
                    continue
                num_reranked += 1
                order, values = expected
                ranked = scores[b, order]
                assert (ranked[:-1] > ranked[1:]).all()
                assert (ranked > 0).all()
                for c, value in values.items():
                    assert scores[b, c] == pytest.approx(value, abs=TOLERANCE)
    assert num_reranked > 50


@pytest.mark.parametrize('alpha, beta', [(0.0, 1.0), (2.0, 0.0), (30.0, 7.0)])
@pytest.mark.parametrize('topn', [1, 5, 500])
def test_order_is_strict_in_float32(alpha, beta, topn):
    generator = torch.Generator().manual_seed(1)
    probs = torch.rand(8, 500, generator=generator).mul(4).round().div(4)
    labels = probs.argmax(1, keepdim=True).expand(8, 3)
    sims = torch.full((8, 3), 0.9)
    scores = rerank(probs, sims, labels, topn, 2.0, 0.5, alpha, beta)
    ranked = scores.sort(1, descending=True).values
    assert scores.dtype == torch.float32
    assert (ranked[:, :-1] > ranked[:, 1:]).all()
    assert (ranked > 0).all()


def test_votes_are_equation_9():
    votes, is_voted = retrieval_votes(
        torch.tensor([[0.9, 0.8, 0.6, 0.75], [0.9, 0.1, 0.1, 0.1]]),
        torch.tensor([[2, 0, 2, 1], [1, 0, 0, 0]]),
        top=torch.tensor([[0, 2], [0, 3]]),
        t_sc=0.7,
        probs=torch.full((2, 4), 0.25),
    )
    torch.testing.assert_close(
        votes, torch.tensor([[0.8 / 1.7, 0.9 / 1.7], [0.0, 0.0]])
    )
    assert is_voted.tolist() == [[True], [False]]


@pytest.mark.parametrize(
    'gate, mixed, is_open',
    [
        ('per_class', [[0.7, 2.85, 0.0], [2.3, 2.0, 1.9]], [True, True]),
        ('top1', [[0.35, 2.85, 0.0], [2.3, 2.0, 1.9]], [False, True]),
    ],
)
def test_mix_is_equation_8(gate, mixed, is_open):
    softmax = torch.tensor([[0.7, 0.3, 0.0], [0.4, 0.3, 0.3]])
    votes = torch.tensor([[0.0, 0.9, 0.0], [0.7, 0.6166667, 0.5833333]])
    scores, opened = mix_scores(softmax, votes, 0.5, 0.5, 3.0, gate)
    torch.testing.assert_close(scores, torch.tensor(mixed))
    assert opened.flatten().tolist() == is_open


def test_strict_order_puts_the_top_n_before_the_rest():
    order = torch.tensor([[3, 1, 0, 2]])
    scores = strict_order(torch.tensor([[0.0, 0.0]]), order)
    assert scores.argsort(descending=True).tolist() == order.tolist()
    delta = 2.0**-22
    torch.testing.assert_close(
        scores,
        delta * torch.tensor([[2 / 3, 1.0, 1 / 3, 2.0]]),
        rtol=1e-6,
        atol=0,
    )


def test_mends_a_hesitating_prediction():
    # The paper's Fig. 5: the softmax prefers class 1, the neighbours class 0.
    probs = torch.tensor([[0.35, 0.45, 0.15, 0.05]])
    sims = torch.tensor([[0.9, 0.8, 0.75, 0.6, 0.9]])
    labels = torch.tensor([[0, 0, 1, 1, 3]])
    scores = rerank(probs, sims, labels, topn=3)
    total = 0.9 + 0.8 + 0.75
    expected = torch.tensor([1.7 / total, 0.75 / total, 0.0, 0.0])
    torch.testing.assert_close(scores[0], expected, rtol=0, atol=2e-6)
    assert scores[0].argsort(descending=True).tolist() == [0, 1, 2, 3]


def test_per_class_gate_is_the_equation_as_printed():
    probs = torch.tensor([[0.8, 0.2]])
    sims, labels = torch.tensor([[0.9]]), torch.tensor([[1]])
    # Confident, and still overtaken: class 1 alone falls under T_sf.
    assert rerank(probs, sims, labels).argmax() == 1
    assert rerank(probs, sims, labels, gate='top1').equal(probs)


@pytest.mark.parametrize('gate', GATES)
def test_softmax_equal_to_threshold_is_trusted(gate):
    probs = torch.tensor([[0.5, 0.3, 0.2]])
    sims, labels = torch.tensor([[0.9, 0.9]]), torch.tensor([[1, 2]])
    scores = rerank(probs, sims, labels, t_sf=0.5, gate=gate)
    assert scores[0, 0] == pytest.approx(0.5, abs=1e-5)


def test_similarity_equal_to_threshold_does_not_count():
    probs = torch.tensor([[0.4, 0.35, 0.25]])
    sims, labels = torch.tensor([[0.75]]), torch.tensor([[1]])
    assert rerank(probs, sims, labels, t_sc=0.75).equal(probs)
    assert rerank(probs, sims, labels, t_sc=0.74).argmax() == 1


@pytest.mark.parametrize(
    'sims, labels',
    [
        (torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.long)),
        (torch.full((2, 1), 0.6), torch.full((2, 1), 1)),
        (torch.full((2, 1), 0.9), torch.full((2, 1), 2)),
        (torch.full((2, 1), 0.9), torch.full((2, 1), -1)),
        (torch.full((2, 1), float('nan')), torch.full((2, 1), 1)),
        (torch.full((2, 1), float('-inf')), torch.full((2, 1), -1)),
    ],
    ids=['m=0', 'too far', 'outside topn', 'not found', 'nan', 'missing'],
)
def test_coarse_scores_stay_where_nothing_votes(sims, labels):
    probs = torch.tensor([[0.4, 0.35, 0.25], [0.4, 0.4, 0.2]])
    assert rerank(probs, sims, labels, topn=2).equal(probs)


def test_votes_outside_topn_leave_the_denominator_alone():
    probs = torch.tensor([[0.4, 0.35, 0.25]])
    sims, labels = torch.tensor([[0.9, 0.8]]), torch.tensor([[2, 1]])
    scores = rerank(probs, sims, labels, topn=2)
    assert scores[0, 1] == pytest.approx(1.0, abs=1e-5)


def test_topn_is_clamped_to_the_class_count():
    probs = torch.tensor([[0.4, 0.35, 0.25]])
    sims, labels = torch.tensor([[0.9, 0.8]]), torch.tensor([[2, 1]])
    assert rerank(probs, sims, labels, topn=9).equal(
        rerank(probs, sims, labels, topn=3)
    )


def test_half_precision_is_computed_in_float32():
    probs = torch.tensor([[0.4, 0.35, 0.25]])
    sims, labels = torch.tensor([[0.9, 0.8]]), torch.tensor([[2, 1]])
    scores = rerank(probs.half(), sims.half(), labels)
    assert scores.dtype == torch.float32
    torch.testing.assert_close(
        scores, rerank(probs, sims, labels), rtol=0, atol=1e-3
    )


def test_empty_batch():
    scores = rerank(
        torch.zeros(0, 3), torch.zeros(0, 4), torch.zeros(0, 4).long()
    )
    assert scores.shape == (0, 3)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'topn': 0}, 'topn'),
        ({'t_sc': -0.1}, 't_sc'),
        ({'alpha': -1.0}, 'alpha'),
        ({'beta': float('nan')}, 'beta'),
        ({'gate': 'never'}, 'gate'),
        ({'coarse_probs': torch.ones(3)}, 'coarse_probs'),
        ({'coarse_probs': torch.ones(1, 0)}, 'at least one class'),
        ({'coarse_probs': torch.ones(3, 4)}, '3 queries'),
        ({'similarities': torch.ones(2, 4)}, 'both be'),
        ({'neighbour_labels': torch.full((2, 3), 4)}, '4 classes'),
        ({'neighbour_labels': torch.full((2, 3), -2)}, '4 classes'),
    ],
)
def test_wrong_arguments_are_named(change, message):
    arguments = {
        'coarse_probs': torch.full((2, 4), 0.25),
        'similarities': torch.ones(2, 3),
        'neighbour_labels': torch.zeros(2, 3, dtype=torch.long),
    }
    with pytest.raises(ValueError, match=message):
        rerank(**{**arguments, **change})


def test_retrieval_scores_equal_naive_loop():
    generator = torch.Generator().manual_seed(2)
    for num_neighbours in (0, 1, 7):
        sims = torch.rand(4, num_neighbours, generator=generator) * 2 - 1
        labels = torch.randint(-1, 5, (4, num_neighbours), generator=generator)
        scores = retrieval_scores(sims, labels, 5)
        for b, c in itertools.product(range(4), range(5)):
            of_class = [
                s
                for s, label in zip(
                    sims[b].tolist(), labels[b].tolist(), strict=True
                )
                if label == c
            ]
            expected = max(of_class, default=NO_NEIGHBOUR)
            assert scores[b, c] == pytest.approx(expected)


def test_retrieval_order_is_that_of_the_nearest_distinct_classes():
    sims = torch.tensor([[0.9, 0.8, 0.7, -0.9]])
    labels = torch.tensor([[3, 3, 1, 0]])
    scores = retrieval_scores(sims, labels, 5)
    assert scores.topk(3).indices.tolist() == [[3, 1, 0]]


def test_retrieval_scores_skip_nan():
    scores = retrieval_scores(
        torch.tensor([[float('nan'), 0.5]]), torch.tensor([[0, 1]]), 2
    )
    assert scores.tolist() == [[NO_NEIGHBOUR, 0.5]]


def test_retrieval_scores_refuse_a_foreign_label():
    with pytest.raises(ValueError, match='2 classes'):
        retrieval_scores(torch.ones(1, 1), torch.tensor([[2]]), 2)


def test_softmax_and_neighbours_of_other_queries_are_refused():
    similarities, labels = torch.ones(2, 4), torch.zeros(2, 4).long()
    message = 'coarse_probs has 3 queries but similarities has 2'
    with pytest.raises(ValueError, match=message):
        rerank(torch.ones(3, 5) / 5, similarities, labels, topn=2)
