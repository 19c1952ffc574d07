"""What holds for every re-ranking, whatever is retrieved."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmc2f.retrieval.calibrated_rerank import (
    rerank_by_kernel,
    rerank_by_prototypes,
)
from mmc2f.retrieval.rerank import GATES, NO_NEIGHBOUR, coarse_order, rerank

MODES = ('paper', 'kernel', 'prototypes')
UNIT = st.floats(0, 1)


@st.composite
def cases(draw):
    """Probabilities, neighbours and class similarities; ties are common."""
    num_classes, count = draw(st.integers(1, 7)), draw(st.integers(0, 8))

    def table(values, columns):
        row = st.lists(values, min_size=columns, max_size=columns)
        rows = draw(st.lists(row, min_size=2, max_size=2))
        return torch.tensor(rows).reshape(2, columns)

    probs = table(st.integers(1, 4), num_classes).float()
    return (
        probs / probs.sum(dim=1, keepdim=True),
        table(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), count).float(),
        table(st.integers(-1, num_classes - 1), count).long(),
        table(
            st.sampled_from([NO_NEIGHBOUR, -0.5, 0.0, 0.75]), num_classes
        ).float(),
    )


@st.composite
def settings_of(draw):
    """A mode with its parameters."""
    mode, topn = draw(st.sampled_from(MODES)), draw(st.integers(1, 9))
    positive = st.floats(0.01, 5)
    if mode == 'paper':
        parameters = dict(
            t_sf=draw(UNIT),
            t_sc=draw(UNIT),
            alpha=draw(st.floats(0, 4)),
            beta=draw(st.floats(0, 4)),
            gate=draw(st.sampled_from(GATES)),
        )
    elif mode == 'kernel':
        parameters = dict(
            temperature=draw(positive), tau=draw(positive), weight=draw(UNIT)
        )
    else:
        parameters = dict(temperature=draw(positive), kappa=draw(positive))
    return mode, topn, parameters


def apply(case, setting):
    probs, similarities, labels, of_classes = case
    mode, topn, parameters = setting
    if mode == 'prototypes':
        return rerank_by_prototypes(probs, of_classes, topn, **parameters)
    function = rerank if mode == 'paper' else rerank_by_kernel
    return function(probs, similarities, labels, topn=topn, **parameters)


@given(case=cases(), setting=settings_of())
def test_only_the_best_change_their_order(case, setting):
    probs, topn = case[0], setting[1]
    scores = apply(case, setting)
    assert scores.shape == probs.shape and scores.isfinite().all()
    assert (scores >= 0).all()
    before, after = coarse_order(probs), coarse_order(scores)
    assert after[:, topn:].equal(before[:, topn:])
    assert after[:, :topn].sort().values.equal(before[:, :topn].sort().values)


@given(case=cases(), setting=settings_of())
def test_scores_have_no_ties_or_are_the_coarse_ones(case, setting):
    probs = case[0]
    for own, coarse in zip(apply(case, setting), probs, strict=True):
        assert len(own.unique()) == len(own) or own.equal(coarse)


@given(case=cases(), setting=settings_of())
def test_queries_do_not_see_each_other(case, setting):
    together = apply(case, setting)
    for row in range(2):
        alone = apply([part[row : row + 1] for part in case], setting)
        torch.testing.assert_close(alone[0], together[row])


@given(case=cases(), setting=settings_of(), data=st.data())
def test_order_of_the_neighbours_does_not_count(case, setting, data):
    probs, similarities, labels, of_classes = case
    order = data.draw(st.permutations(range(labels.shape[1])))
    other = probs, similarities[:, order], labels[:, order], of_classes
    torch.testing.assert_close(
        apply(case, setting), apply(other, setting), atol=1e-5, rtol=1e-5
    )


@given(case=cases(), setting=settings_of())
def test_nothing_retrieved_changes_nothing(case, setting):
    probs, _, _, of_classes = case
    nothing = (
        probs,
        torch.empty(2, 0),
        torch.empty(2, 0, dtype=torch.long),
        torch.full_like(of_classes, NO_NEIGHBOUR),
    )
    assert apply(nothing, setting).equal(probs)
