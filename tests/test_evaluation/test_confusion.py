"""Counts of confusions, and errors inside and across super classes."""

import itertools

import pytest
import torch

from mmc2f.evaluation.functional import confusion_of_records, error_shares

NAMES = ['a', 'b', 'c']


def record(truth, coarse, reranked=None):
    found = dict(image='x.png', truth=truth)
    found['coarse'] = [{'class': coarse, 'probability': 1.0}]
    if reranked:
        found['reranked'] = [{'class': reranked, 'score': 1.0}]
    return found


def test_counts_are_those_of_a_loop():
    torch.manual_seed(0)
    pairs = torch.randint(0, 3, (50, 2)).tolist()
    records = [record(NAMES[t], NAMES[p]) for t, p in pairs]
    counts = confusion_of_records(records, NAMES)
    for truth, answer in itertools.product(range(3), repeat=2):
        assert counts[truth, answer] == pairs.count([truth, answer])


def test_answers_are_those_after_re_ranking_unless_told():
    records = [record('a', 'b', 'a')]
    assert confusion_of_records(records, NAMES)[0, 0] == 1
    assert confusion_of_records(records, NAMES, reranked=False)[0, 1] == 1


def test_a_prediction_without_truth_does_not_count():
    records = [record('a', 'a'), record(None, 'b')]
    assert confusion_of_records(records, NAMES).sum() == 1
    with pytest.raises(ValueError, match='no prediction has a true class'):
        confusion_of_records(records[1:], NAMES)


def test_a_class_of_another_model_is_named():
    with pytest.raises(ValueError, match="'owl', which is none of the 3"):
        confusion_of_records([record('a', 'owl')], NAMES)


def test_shares_are_those_of_a_loop():
    torch.manual_seed(0)
    counts = torch.randint(0, 9, (5, 5))
    groups = torch.tensor([0, 1, 0, 2, 1])
    right = inside = across = 0
    for truth, answer in itertools.product(range(5), repeat=2):
        number = int(counts[truth, answer])
        if truth == answer:
            right += number
        elif groups[truth] == groups[answer]:
            inside += number
        else:
            across += number
    total = int(counts.sum())
    expected = (right / total, inside / total, across / total)
    assert error_shares(counts, groups) == pytest.approx(expected)


def test_shares_of_nothing_are_refused():
    with pytest.raises(ValueError, match='no answer'):
        error_shares(torch.zeros(2, 2).long(), torch.zeros(2).long())
