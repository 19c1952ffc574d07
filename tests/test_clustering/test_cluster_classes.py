import numpy as np
import pytest
import torch

from mmc2f.clustering import cluster_classes
from mmc2f.clustering.cluster_classes import _by_first_class

GROUPS = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]


def _grouped_means(groups=GROUPS, noise=0.05, dim=8, common=0.0):
    """Means around one random direction a group."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(max(groups) + 1, dim))
    points = directions[groups] + noise * rng.normal(size=(len(groups), dim))
    return points + common


def _average_linkage(points, count):
    """Average linkage on cosine distance, merging one pair at a time."""
    clusters = [[i] for i in range(len(points))]
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)

    def distance(a, b):
        return np.mean([1 - unit[i] @ unit[j] for i in a for j in b])

    while len(clusters) > count:
        pairs = [
            (distance(clusters[i], clusters[j]), i, j)
            for i in range(len(clusters))
            for j in range(i)
        ]
        _, i, j = min(pairs)
        clusters[j] += clusters.pop(i)
    assignment = np.empty(len(points), int)
    for members in sorted(clusters, key=min):
        assignment[members] = sorted(clusters, key=min).index(members)
    return assignment


@pytest.mark.parametrize('method', ['agglomerative', 'kmeans'])
@pytest.mark.parametrize('metric', ['cosine', 'euclidean'])
@pytest.mark.parametrize('center', [True, False])
def test_finds_clear_groups(method, metric, center):
    result = cluster_classes(
        _grouped_means(), 3, method=method, metric=metric, center=center
    )
    assert result.assignment.tolist() == GROUPS
    assert result.num_clusters == 3
    assert result.silhouette is None


@pytest.mark.parametrize('center', [True, False])
def test_equals_naive_average_linkage(center):
    points = np.random.default_rng(1).normal(size=(14, 6)) + 0.5
    expected = points - points.mean(axis=0) if center else points
    for count in range(2, 15):
        result = cluster_classes(points, count, center=center)
        naive = _average_linkage(expected, count)
        assert result.assignment.tolist() == naive.tolist()


def test_centering_undoes_a_common_direction():
    result = cluster_classes(_grouped_means(common=100.0), 3)
    assert result.assignment.tolist() == GROUPS


def test_silhouette_picks_the_number():
    result = cluster_classes(
        torch.from_numpy(_grouped_means()), candidates=range(2, 8)
    )
    assert result.num_clusters == 3
    assert result.assignment.tolist() == GROUPS
    assert list(result.silhouette) == [2, 3, 4, 5, 6, 7]
    assert max(result.silhouette.values()) == result.silhouette[3]


@pytest.mark.parametrize(
    ('classes', 'expected'),
    [(3, [2]), (4, [2]), (5, [2]), (8, [3, 4]), (21, list(range(5, 11)))],
)
def test_default_candidates(classes, expected):
    points = np.random.default_rng(0).normal(size=(classes, 4))
    result = cluster_classes(points)
    assert list(result.silhouette) == expected
    assert result.num_clusters in expected


def test_clusters_are_numbered_by_their_first_class():
    numbered = _by_first_class(np.array([7, 2, 7, 0, 2]))
    assert numbered.tolist() == [0, 1, 0, 2, 1]


@pytest.mark.parametrize('method', ['agglomerative', 'kmeans'])
def test_equal_runs_are_equal(method):
    points = np.random.default_rng(2).normal(size=(30, 5))
    first, second = (
        cluster_classes(points, 'silhouette', method=method, seed=4)
        for _ in range(2)
    )
    assert (first.assignment == second.assignment).all()
    assert first.silhouette == second.silhouette


def test_two_classes_in_two_clusters_are_one_each():
    result = cluster_classes(np.array([[1.0, 0], [0, 1]]), 2)
    assert result.assignment.tolist() == [0, 1]


def test_silhouette_of_two_classes_is_an_error():
    with pytest.raises(ValueError, match='at least 3 classes'):
        cluster_classes(np.eye(2))


@pytest.mark.parametrize('count', [0, 1, 13, 2.5, True, 'many'])
def test_number_out_of_range_is_an_error(count):
    with pytest.raises(ValueError, match='whole number from 2 to 12'):
        cluster_classes(_grouped_means(), count)


def test_candidates_out_of_range_are_an_error():
    with pytest.raises(ValueError, match=r'candidate is a whole .* 2 to 11'):
        cluster_classes(_grouped_means(), candidates=[3, 12])
    with pytest.raises(ValueError, match='candidates is empty'):
        cluster_classes(_grouped_means(), candidates=[])


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_broken_means_name_the_class(value):
    means = _grouped_means()
    means[4, 1] = value
    with pytest.raises(ValueError, match='class 4 holds NaN or infinity'):
        cluster_classes(means, 3)


def test_equal_means_are_an_error():
    with pytest.raises(ValueError, match='classes are equal'):
        cluster_classes(np.full((5, 3), 0.7), 2)


def test_mean_without_direction_is_an_error():
    means = _grouped_means()
    means[2] = 0
    with pytest.raises(ValueError, match='class 2 has no direction'):
        cluster_classes(means, 3, center=False)
    result = cluster_classes(means, 3, center=False, metric='euclidean')
    assert result.num_clusters == 3


def test_kmeans_needs_distinct_means():
    means = np.repeat(np.eye(3), 4, axis=0)
    with pytest.raises(ValueError, match='4 clusters of 3 distinct'):
        cluster_classes(means, 4, method='kmeans')
    # Agglomerative clustering splits equal means, in a fixed way.
    assert cluster_classes(means, 4).num_clusters == 4


def test_unknown_options_are_named():
    with pytest.raises(ValueError, match="method must be one of 'agg"):
        cluster_classes(np.eye(4), 2, method='spectral')
    with pytest.raises(ValueError, match="metric must be one of 'cosine'"):
        cluster_classes(np.eye(4), 2, metric='l1')


def test_one_class_or_a_wrong_shape_is_an_error():
    for means in (np.ones((1, 3)), np.ones(4)):
        with pytest.raises(ValueError, match='at least 2 classes'):
            cluster_classes(means, 2)
