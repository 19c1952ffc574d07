"""Accuracies of coarse, retrieval and re-ranked scores."""

import pytest
import torch

from mmc2f.evaluation.functional import rerank_accuracy, topk_hits
from mmc2f.retrieval.rerank import NO_NEIGHBOUR
from mmc2f.structures import LabelTree

TREE = LabelTree.from_dict(
    {
        'levels': ['species', 'genus'],
        'classes': [['a', 'b', 'c', 'd'], ['x', 'y']],
        'parents': [[0, 0, 1, 1]],
    }
)


def naive_hit(scores, label, k):
    order = sorted(range(len(scores)), key=lambda c: (-scores[c], c))
    return label in order[:k]


@pytest.mark.parametrize('has_ties', [False, True])
def test_hits_equal_naive_sort(has_ties):
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(50, 7, generator=generator)
    if has_ties:
        scores = scores.mul(3).round()
    labels = torch.randint(0, 7, (50,), generator=generator)
    for k in range(1, 9):
        expected = [
            naive_hit(row, label, k)
            for row, label in zip(
                scores.tolist(), labels.tolist(), strict=True
            )
        ]
        assert topk_hits(scores, labels, k).tolist() == expected


def test_a_class_that_was_not_retrieved_is_no_hit():
    scores = torch.tensor([[0.4, NO_NEIGHBOUR, NO_NEIGHBOUR]])
    assert topk_hits(scores, torch.tensor([0]), 1).tolist() == [True]
    assert topk_hits(scores, torch.tensor([1]), 3).tolist() == [False]


def one_hot(*classes):
    return torch.eye(4)[list(classes)]


def test_all_numbers_by_hand():
    values = rerank_accuracy(
        labels=torch.tensor([0, 1, 2, 3]),
        # right, same genus, right, wrong
        coarse=one_hot(0, 0, 2, 0),
        # right, right, other genus, same genus
        retrieval=one_hot(0, 1, 0, 2),
        # right, mended, broken within the genus, still wrong
        reranked=one_hot(0, 1, 3, 1),
        tree=TREE,
    )
    assert values == {
        'coarse_top1': 50.0,
        'coarse_top5': 100.0,
        'coarse_species_top1': 50.0,
        'coarse_genus_top1': 75.0,
        'retrieval_top1': 50.0,
        'retrieval_top5': 100.0,
        'retrieval_species_top1': 50.0,
        'retrieval_genus_top1': 75.0,
        'rerank_top1': 50.0,
        'rerank_top5': 100.0,
        'rerank_species_top1': 50.0,
        'rerank_genus_top1': 75.0,
        'mended': 1,
        'broken': 1,
    }


def test_coarse_alone():
    values = rerank_accuracy(torch.tensor([0, 1]), one_hot(0, 0))
    assert values == {'coarse_top1': 50.0, 'coarse_top5': 100.0}


def test_top5_counts_five_places():
    scores = torch.arange(8.0).flip(0).expand(8, 8)
    values = rerank_accuracy(torch.arange(8), scores)
    assert values['coarse_top1'] == pytest.approx(100 / 8)
    assert values['coarse_top5'] == pytest.approx(500 / 8)


@pytest.mark.parametrize(
    'labels, scores, message',
    [
        (torch.zeros(0).long(), torch.zeros(0, 3), 'no image'),
        (torch.tensor([0]), torch.zeros(2, 3), r'must be \(1, C\)'),
        (torch.tensor([0]), torch.zeros(3), r'must be \(1, C\)'),
        (torch.tensor([3]), torch.zeros(1, 3), 'label 3 of image 0 is'),
        (torch.tensor([-1]), torch.zeros(1, 3), 'label -1 of image 0 is'),
        (torch.tensor([0]), torch.tensor([[0, float('nan')]]), 'NaN'),
    ],
)
def test_wrong_input(labels, scores, message):
    with pytest.raises(ValueError, match=message):
        rerank_accuracy(labels, scores)
