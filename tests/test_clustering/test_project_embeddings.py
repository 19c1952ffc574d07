"""Embeddings in a plane."""

import numpy as np
import pytest
import torch

from mmc2f.clustering import project_embeddings


@pytest.fixture
def rows():
    """Two groups of ten around directions at a right angle."""
    torch.manual_seed(0)
    centres = torch.eye(2, 6).repeat_interleave(10, dim=0)
    return centres + 0.05 * torch.randn(20, 6)


@pytest.mark.parametrize('method', ['tsne', 'pca'])
def test_neighbours_stay_together(rows, method):
    points = project_embeddings(rows, method)
    assert points.shape == (20, 2) and np.isfinite(points).all()
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert ((distance.argmin(axis=1) < 10) == (np.arange(20) < 10)).all()
    assert np.array_equal(points, project_embeddings(rows, method))


def test_pca_is_that_of_unit_vectors(rows):
    points = project_embeddings(3 * rows, 'pca')
    unit = (rows / rows.norm(dim=1, keepdim=True)).double()
    centred = unit - unit.mean(dim=0)
    *_, directions = torch.linalg.svd(centred, full_matrices=False)
    expected = (centred @ directions[:2].T).abs().numpy()
    assert np.abs(points) == pytest.approx(expected, abs=1e-6)


def test_few_embeddings_of_few_dimensions():
    assert project_embeddings(torch.eye(4)).shape == (4, 2)


@pytest.mark.parametrize(
    ('rows', 'method', 'message'),
    [
        (torch.eye(3), 'pca', '4 embeddings'),
        (torch.full((5, 2), torch.nan), 'pca', 'NaN'),
        (torch.eye(5), 'umap', 'umap'),
    ],
)
def test_what_has_no_map_is_refused(rows, method, message):
    with pytest.raises(ValueError, match=message):
        project_embeddings(rows, method)
