from itertools import combinations
from math import comb, log

import pytest
import torch

from mmc2f.clustering import agreement

FOUND = [0, 0, 1, 1, 2, 2, 2, 0]
KNOWN = [0, 0, 0, 1, 1, 2, 2, 2]


def _naive_ari(a, b):
    """Adjusted Rand index by counting pairs of classes."""
    pairs = list(combinations(range(len(a)), 2))
    both = sum(a[i] == a[j] and b[i] == b[j] for i, j in pairs)
    in_a = sum(a[i] == a[j] for i, j in pairs)
    in_b = sum(b[i] == b[j] for i, j in pairs)
    chance = in_a * in_b / comb(len(a), 2)
    return (both - chance) / ((in_a + in_b) / 2 - chance)


def _naive_nmi(a, b):
    """Mutual information over the mean of the two entropies."""

    def share(condition):
        return sum(condition(i) for i in range(len(a))) / len(a)

    mutual = 0.0
    for x in set(a):
        for y in set(b):
            joint = share(lambda i, x=x, y=y: a[i] == x and b[i] == y)
            p, q = (
                share(lambda i, x=x: a[i] == x),
                share(lambda i, y=y: b[i] == y),
            )
            mutual += joint * log(joint / (p * q)) if joint else 0.0
    entropies = [
        -sum(p * log(p) for v in set(g) if (p := g.count(v) / len(g)))
        for g in (a, b)
    ]
    return mutual / (sum(entropies) / 2)


def test_equals_naive_pair_counting():
    scores = agreement(FOUND, torch.tensor(KNOWN))
    assert scores['ari'] == pytest.approx(_naive_ari(FOUND, KNOWN))
    assert scores['nmi'] == pytest.approx(_naive_nmi(FOUND, KNOWN))


def test_numbering_of_clusters_does_not_matter():
    renamed = [{0: 2, 1: 0, 2: 1}[c] for c in FOUND]
    assert agreement(FOUND, renamed) == pytest.approx({'ari': 1, 'nmi': 1})


def test_other_number_of_classes_is_an_error():
    with pytest.raises(ValueError, match='8 classes, the reference about 3'):
        agreement(FOUND, [0, 1, 2])
