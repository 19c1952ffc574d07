import math

import pytest
import torch

from mmc2f.models.losses import (
    CosineTripletLoss,
    cosine_triplet_loss,
    mine_triplets,
)
from mmc2f.registry import MODELS

LABELS = {
    'several classes': [0, 1, 0, 2, 1, 0, 3, 2],
    'two classes': [5, 5, 5, 5, -1, -1, -1, -1],
    'one class': [4] * 8,
    'singletons': list(range(8)),
    'one pair': [0, 0, 1, 2, 3, 4, 5, 6],
}
HAS_TRIPLETS = ('several classes', 'two classes', 'one pair')
STRATEGIES = ('batch_hard', 'batch_all')


def cosine(x, y):
    dot = sum(a * b for a, b in zip(x, y, strict=True))
    length = math.sqrt(sum(a * a for a in x) * sum(b * b for b in y))
    return dot / length if length else 0.0


def naive_triplets(rows, labels):
    """Every (a, p, n) by three nested loops."""
    count = range(len(rows))
    return [
        (a, p, n)
        for a in count
        for p in count
        for n in count
        if labels[p] == labels[a] and p != a and labels[n] != labels[a]
    ]


def naive_hard_triplets(rows, labels):
    chosen = []
    for a in range(len(rows)):
        own = [t for t in naive_triplets(rows, labels) if t[0] == a]
        if own:
            p = min(
                (t[1] for t in own), key=lambda i: cosine(rows[a], rows[i])
            )
            n = max(
                (t[2] for t in own), key=lambda i: cosine(rows[a], rows[i])
            )
            chosen.append((a, p, n))
    return chosen


NAIVE = {'batch_hard': naive_hard_triplets, 'batch_all': naive_triplets}


def naive_loss(embeddings, labels, margin, strategy, average):
    rows = embeddings.tolist()
    losses = [
        max(0, margin - cosine(rows[a], rows[p]) + cosine(rows[a], rows[n]))
        for a, p, n in NAIVE[strategy](rows, labels)
    ]
    if average == 'nonzero':
        losses = [x for x in losses if x > 0]
    return sum(losses) / max(1, len(losses))


@pytest.fixture
def embeddings():
    generator = torch.manual_seed(0)
    return torch.randn(8, 5, dtype=torch.float64, generator=generator)


class TestCosineTripletLoss:
    @pytest.mark.parametrize('margin', [0.1, 1.0, 2.0])
    def test_equals_naive_loop(self, embeddings, margin):
        a, p, n = embeddings[:6].view(3, 2, 5)
        losses = cosine_triplet_loss(a, p, n, margin)
        expected = [
            max(0, margin - cosine(x, y) + cosine(x, z))
            for x, y, z in zip(*(t.tolist() for t in (a, p, n)), strict=True)
        ]
        assert losses.tolist() == pytest.approx(expected)

    def test_length_does_not_matter(self, embeddings):
        a, p, n = embeddings[:6].view(3, 2, 5)
        torch.testing.assert_close(
            cosine_triplet_loss(a, p, n, 0.5),
            cosine_triplet_loss(3 * a, 0.1 * p, 7 * n, 0.5),
        )

    def test_similarity_to_a_zero_vector_is_zero(self):
        x, zero = torch.ones(1, 4), torch.zeros(1, 4)
        assert cosine_triplet_loss(zero, x, x, 0.3).item() == pytest.approx(
            0.3
        )
        assert cosine_triplet_loss(x, zero, x, 0.3).item() == pytest.approx(
            1.3
        )

    def test_pulls_the_positive_and_pushes_the_negative(self):
        anchor = torch.tensor([[1.0, 0.0]])
        positive = torch.tensor([[1.0, 1.0]], requires_grad=True)
        negative = torch.tensor([[1.0, -1.0]], requires_grad=True)
        cosine_triplet_loss(anchor, positive, negative, 0.5).sum().backward()
        assert positive.grad[0, 1] > 0  # a step against it turns to the anchor
        assert negative.grad[0, 0] > 0  # a step against it turns away

    def test_rejects_wrong_input(self):
        x = torch.zeros(2, 3)
        with pytest.raises(ValueError, match=r'one shape \(T, D\), got'):
            cosine_triplet_loss(x, x, torch.zeros(2, 4), 0.3)
        with pytest.raises(ValueError, match='one shape'):
            cosine_triplet_loss(x[0], x[0], x[0], 0.3)
        for margin in (0, 2.1, math.nan):
            with pytest.raises(ValueError, match='margin must be above 0'):
                cosine_triplet_loss(x, x, x, margin)


class TestMineTriplets:
    @pytest.mark.parametrize('name', LABELS)
    @pytest.mark.parametrize('strategy', STRATEGIES)
    def test_equals_naive_loops(self, embeddings, name, strategy):
        labels = LABELS[name]
        triplets = mine_triplets(embeddings, torch.tensor(labels), strategy)
        found = list(zip(*(x.tolist() for x in triplets), strict=True))
        assert found == NAIVE[strategy](embeddings.tolist(), labels)
        assert all(x.dtype == torch.int64 for x in triplets)
        assert bool(found) == (name in HAS_TRIPLETS)

    def test_first_of_equals_is_the_hardest(self):
        labels = torch.tensor([0, 0, 0, 1, 1])
        a, p, n = mine_triplets(torch.ones(5, 2), labels)
        assert a.tolist() == [0, 1, 2, 3, 4]
        assert p.tolist() == [1, 0, 0, 4, 3]
        assert n.tolist() == [3, 3, 3, 0, 0]

    def test_autocast_does_not_round_the_similarities(self):
        generator = torch.manual_seed(0)
        embeddings = torch.randn(64, 8, generator=generator)
        # Close to each other, so that bfloat16 would mix up their order.
        embeddings = embeddings * 0.02 + 1
        labels = torch.arange(64) // 4
        expected = mine_triplets(embeddings, labels)
        with torch.autocast('cpu', dtype=torch.bfloat16):
            found = mine_triplets(embeddings, labels)
        for x, y in zip(found, expected, strict=True):
            assert torch.equal(x, y)

    def test_rejects_wrong_input(self, embeddings):
        labels = torch.zeros(8)
        with pytest.raises(ValueError, match='strategy must be one of'):
            mine_triplets(embeddings, labels, 'semi_hard')
        with pytest.raises(ValueError, match=r'embeddings must be \(B, D\)'):
            mine_triplets(embeddings, labels[:3])
        with pytest.raises(ValueError, match=r'embeddings must be \(B, D\)'):
            mine_triplets(embeddings[0], labels)


class TestModule:
    @pytest.mark.parametrize('name', LABELS)
    @pytest.mark.parametrize('mining', STRATEGIES)
    @pytest.mark.parametrize('average', ['nonzero', 'all'])
    def test_equals_naive_loops(self, embeddings, name, mining, average):
        labels = LABELS[name]
        module = CosineTripletLoss(0.3, mining, 2.0, average)
        loss = module(embeddings, torch.tensor(labels))
        expected = naive_loss(embeddings, labels, 0.3, mining, average)
        assert loss.item() == pytest.approx(2 * expected)
        assert (expected > 0) == (name in HAS_TRIPLETS)

    @pytest.mark.parametrize('mining', STRATEGIES)
    def test_equals_the_function_on_mined_triplets(self, embeddings, mining):
        labels = torch.tensor(LABELS['several classes'])
        a, p, n = mine_triplets(embeddings, labels, mining)
        losses = cosine_triplet_loss(
            embeddings[a], embeddings[p], embeddings[n], 0.3
        )
        loss = CosineTripletLoss(0.3, mining, average='all')
        torch.testing.assert_close(loss(embeddings, labels), losses.mean())

    @pytest.mark.parametrize('mining', STRATEGIES)
    @pytest.mark.parametrize('name', ['one class', 'singletons'])
    def test_no_triplet_gives_zero_with_a_gradient(
        self, embeddings, mining, name
    ):
        embeddings.requires_grad_()
        loss = CosineTripletLoss(mining=mining)(
            embeddings, torch.tensor(LABELS[name])
        )
        loss.backward()
        assert loss == 0
        assert embeddings.grad.abs().max() == 0

    @pytest.mark.parametrize('mining', STRATEGIES)
    def test_satisfied_triplets_have_no_loss(self, mining):
        embeddings = torch.eye(2).repeat_interleave(3, dim=0)
        labels = torch.tensor([0, 0, 0, 1, 1, 1])
        loss = CosineTripletLoss(0.3, mining)(embeddings, labels)
        assert loss == 0

    def test_average_follows_the_mining_by_default(self):
        assert CosineTripletLoss(mining='batch_all').average == 'nonzero'
        assert CosineTripletLoss(mining='batch_hard').average == 'all'

    @pytest.mark.parametrize('mining', STRATEGIES)
    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
    def test_half_precision_equals_naive_loops(
        self, embeddings, mining, dtype
    ):
        labels = LABELS['several classes']
        # float16 could not hold the squares.
        embeddings = (embeddings * 400).to(dtype)
        module = CosineTripletLoss(0.3, mining, average='all')
        loss = module(embeddings, torch.tensor(labels))
        expected = naive_loss(embeddings, labels, 0.3, mining, 'all')
        assert loss.dtype == torch.float32
        assert loss.item() == pytest.approx(expected, rel=1e-5)

    def test_autocast_does_not_round_the_loss(self, embeddings):
        labels = torch.tensor(LABELS['several classes'])
        module = CosineTripletLoss()
        with torch.autocast('cpu', dtype=torch.bfloat16):
            loss = module(embeddings.float(), labels)
        assert loss == module(embeddings.float(), labels)

    @pytest.mark.parametrize('mining', STRATEGIES)
    @pytest.mark.parametrize('name', LABELS)
    def test_nan_goes_through(self, embeddings, mining, name):
        embeddings[1, 2] = math.nan
        module = CosineTripletLoss(mining=mining)
        assert module(embeddings, torch.tensor(LABELS[name])).isnan()

    def test_gradient_is_that_of_finite_differences(self, embeddings):
        labels = torch.tensor(LABELS['several classes'])
        module = CosineTripletLoss(mining='batch_all', average='all')
        assert torch.autograd.gradcheck(
            lambda x: module(x, labels), embeddings.requires_grad_()
        )

    def test_a_step_lowers_the_loss(self, embeddings):
        labels = torch.tensor(LABELS['several classes'])
        module = CosineTripletLoss()
        embeddings.requires_grad_()
        loss = module(embeddings, labels)
        (gradient,) = torch.autograd.grad(loss, embeddings)
        assert module(embeddings - 0.01 * gradient, labels) < loss

    def test_builds_from_a_config_and_shows_its_parameters(self):
        module = MODELS.build(
            {'type': 'mmc2f.CosineTripletLoss', 'mining': 'batch_all'}
        )
        assert repr(module) == (
            "CosineTripletLoss(margin=0.3, mining='batch_all', "
            "loss_weight=1.0, average='nonzero')"
        )

    @pytest.mark.parametrize(
        'name, value',
        [('margin', -1), ('mining', 'hard'), ('average', 'sum')],
    )
    def test_rejects_wrong_arguments(self, name, value):
        with pytest.raises(ValueError, match=f'{name} must be'):
            CosineTripletLoss(**{name: value})

    def test_rejects_wrong_shapes(self, embeddings):
        with pytest.raises(ValueError, match=r'labels \(B,\)'):
            CosineTripletLoss()(embeddings, torch.zeros(3))

    def test_rejects_an_empty_batch(self):
        with pytest.raises(ValueError, match='B >= 1'):
            CosineTripletLoss()(torch.zeros(0, 4), torch.zeros(0))
