"""The threshold of a cascade, against a search of all there are."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmc2f.retrieval import (
    Gallery,
    HeldOut,
    ReRankPostProcessor,
    TunedCascade,
    TunedReRank,
    find_cascade,
    side_file,
    tune_cascade,
    tune_cascade_on_folds,
)

# How sure each image is, whether the global pass and the model are right.
IMAGES = st.lists(
    st.tuples(
        st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def made_up(rows):
    """Arguments of :func:`tune_cascade`; class 0 is what is answered."""
    sure = torch.tensor([row[0] for row in rows], dtype=torch.float64)
    probs = torch.stack([sure, 1 - sure], dim=1)
    labels = torch.tensor([0 if row[1] else 1 for row in rows])
    return probs, labels, torch.tensor([row[2] for row in rows])


@given(IMAGES)
def test_threshold_is_the_cheapest_that_loses_nothing(rows):
    full = sum(row[2] for row in rows)
    fits = [
        threshold
        for threshold, *_ in rows
        if sum(r[1] if r[0] >= threshold else r[2] for r in rows) >= full
    ]
    tuned = tune_cascade(*made_up(rows))
    assert tuned.threshold == (min(fits) if fits else None)
    assert tuned.num_images == len(rows)
    goes_on = [r for r in rows if not fits or r[0] < min(fits)]
    assert tuned.went_on == pytest.approx(100 * len(goes_on) / len(rows))
    ended = sum(r[1] if r not in goes_on else r[2] for r in rows)
    assert tuned.gain == pytest.approx(100 * (ended - full) / len(rows))
    assert tuned.gain >= 0


def test_cross_validation_sees_what_the_choice_does_not():
    # The global pass is as good on average; each threshold is luck.
    rng = torch.Generator().manual_seed(0)
    sure = torch.rand(400, generator=rng) / 2 + 0.5
    right = torch.rand(2, 400, generator=rng) < 0.8
    rows = list(
        zip(sure.tolist(), right[0].tolist(), right[1].tolist(), strict=True)
    )
    tuned = tune_cascade(*made_up(rows))
    assert tuned.judged_gain < tuned.gain
    # A global pass that is never worse loses nothing.
    rows = [(p, True, bool(full)) for p, _, full in rows]
    tuned = tune_cascade(*made_up(rows))
    assert tuned.went_on == 0 and tuned.judged_gain >= 0


def test_global_pass_that_is_never_right_ends_nothing():
    tuned = tune_cascade(*made_up([(0.9, False, True), (0.6, False, True)]))
    assert tuned.threshold is None and tuned.went_on == 100
    assert 'all images go on' in tuned.summary()


def test_wrong_shapes_are_refused():
    probs, labels, is_right = made_up([(0.9, True, True)] * 3)
    with pytest.raises(ValueError, match='a label and an answer'):
        tune_cascade(probs, labels, is_right[:2])
    with pytest.raises(ValueError, match='a label and an answer'):
        tune_cascade(probs[:0], labels[:0], is_right[:0])


def fold(global_probs):
    gallery = Gallery()
    gallery.fill(torch.eye(2), torch.arange(2), ['a', 'b'], {})
    return HeldOut(
        # Wrong, but for the neighbours.
        torch.tensor([[0.4, 0.6], [0.6, 0.4]]),
        torch.eye(2),
        torch.arange(2),
        {None: gallery},
        global_probs,
    )


def test_full_answer_is_the_reranked_one():
    wrong = torch.tensor([[0.1, 0.9], [0.9, 0.1]])
    rule = ReRankPostProcessor(topn=2, topm=2, t_sf=1.0, t_sc=0.5)
    none = ReRankPostProcessor(mode='none')
    assert tune_cascade_on_folds([fold(wrong)], rule, None).threshold is None
    # Without re-ranking the model is as wrong as its global pass.
    tuned = tune_cascade_on_folds([fold(wrong)] * 2, none, None)
    assert tuned.threshold == pytest.approx(0.9) and tuned.num_images == 4
    assert tune_cascade_on_folds([fold(None)], rule, None) is None


def tuned_file(path, cascade):
    params = {'mode': 'none'}
    tuned = TunedReRank(
        params, None, 0.0, 0.0, 0.0, 50.0, 20, 1.0, params, None, [], 'w', None
    )
    content = {**vars(tuned), 'cascade': cascade}
    content |= {'format': 'mmc2f.rerank', 'version': 1}
    path.write_text(json.dumps(content))


def test_threshold_is_found_beside_the_checkpoint(tmp_path):
    checkpoint = tmp_path / 'epoch_6.pth'
    tuned = TunedCascade(0.75, 20.0, 0.0, -0.1, 100)
    path = side_file(checkpoint)
    assert find_cascade(0.5, None) == 0.5
    with pytest.raises(FileNotFoundError, match='tune_rerank'):
        find_cascade('auto', checkpoint)
    with pytest.raises(ValueError, match='there is none'):
        find_cascade('auto', None)
    tuned_file(path, vars(tuned))
    assert TunedReRank.load(path).cascade == tuned
    assert find_cascade('auto', checkpoint, 'w') == 0.75
    # A file that is named is meant for these weights.
    assert find_cascade(str(path), None, 'other') == 0.75
    with pytest.raises(ValueError, match='other weights'):
        find_cascade('auto', checkpoint, 'other')
    tuned_file(path, None)
    with pytest.raises(ValueError, match='no threshold'):
        find_cascade('auto', checkpoint)
    tuned_file(path, {**vars(tuned), 'threshold': 'high'})
    with pytest.raises(ValueError, match="cascade is 'high'"):
        find_cascade('auto', checkpoint)
