"""Exact and faiss search against a sorted list, and against each other."""

import sys

import pytest
import torch

from mmc2f.retrieval import ExactIndex, FaissIndex


def random_rows(num_rows, dims, seed, has_ties=False):
    generator = torch.Generator().manual_seed(seed)
    if has_ties:
        # Small integers: products are exact and often equal.
        return torch.randint(
            -1, 2, (num_rows, dims), generator=generator
        ).float()
    return torch.randn(num_rows, dims, generator=generator)


def naive_search(rows, queries, topm):
    products = (queries.double() @ rows.double().T).tolist()
    return [
        sorted(range(len(rows)), key=lambda i: (-line[i], i))[:topm]
        for line in products
    ]


def build(index, rows):
    index.build(rows)
    return index


@pytest.mark.parametrize('has_ties', [False, True])
@pytest.mark.parametrize('chunk_size', [1, 3, 16, 100])
@pytest.mark.parametrize('topm', [1, 5, 40])
def test_exact_equals_sorted_list(has_ties, chunk_size, topm):
    rows = random_rows(40, 4, 0, has_ties)
    queries = random_rows(7, 4, 1, has_ties)
    index = build(ExactIndex(chunk_size, query_chunk_size=3), rows)
    similarities, indices = index.search(queries, topm)
    assert indices.tolist() == naive_search(rows, queries, topm)
    torch.testing.assert_close(
        similarities, (queries @ rows.T).gather(1, indices)
    )


def test_exact_gives_equal_and_zero_products_by_index():
    rows = torch.tensor([[-0.0], [0.0], [1.0], [-1.0], [1.0], [-0.0]])
    index = build(ExactIndex(chunk_size=2), rows)
    similarities, indices = index.search(torch.ones(1, 1), 6)
    assert indices.tolist() == [[2, 4, 0, 1, 5, 3]]
    assert similarities.tolist() == [[1.0, 1.0, 0.0, 0.0, 0.0, -1.0]]


@pytest.mark.parametrize('has_ties', [False, True])
def test_flat_equals_exact(has_ties):
    rows = random_rows(60, 6, 2, has_ties)
    queries = random_rows(9, 6, 3, has_ties)
    exact = build(ExactIndex(), rows).search(queries, 10)
    flat = build(FaissIndex('Flat'), rows).search(queries, 10)
    assert exact[1].equal(flat[1])
    torch.testing.assert_close(exact[0], flat[0])


@pytest.mark.parametrize(
    'factory, params',
    [('IVF4,Flat', {'nprobe': 4}), ('HNSW16', {'efSearch': 64})],
)
def test_approximate_index_with_wide_search_finds_the_nearest(factory, params):
    rows = torch.nn.functional.normalize(random_rows(200, 8, 4))
    index = build(FaissIndex(factory, params), rows)
    _, indices = index.search(rows, 1)
    assert indices.flatten().tolist() == list(range(200))


def test_params_change_the_search():
    rows = torch.nn.functional.normalize(random_rows(400, 8, 4))
    queries = torch.nn.functional.normalize(random_rows(50, 8, 5))
    exact = naive_search(rows, queries, 1)
    hits = [
        sum(
            found == expected
            for found, expected in zip(
                build(FaissIndex('IVF8,Flat', {'nprobe': nprobe}), rows)
                .search(queries, 1)[1]
                .tolist(),
                exact,
                strict=True,
            )
        )
        for nprobe in (1, 8)
    ]
    assert hits[0] < hits[1] == 50


def test_places_that_faiss_leaves_empty_come_last():
    rows = torch.nn.functional.normalize(random_rows(40, 4, 6))
    index = build(FaissIndex('IVF8,Flat', {'nprobe': 1}), rows)
    similarities, indices = index.search(rows[:3], 40)
    assert (indices[:, -1] == -1).all()
    assert similarities[:, -1].tolist() == [float('-inf')] * 3
    assert (similarities[:, :-1] >= similarities[:, 1:]).all()


def test_faiss_and_torch_share_a_process():
    rows = random_rows(500, 64, 7)
    index = build(FaissIndex('Flat'), rows)
    for _ in range(3):
        product = torch.mm(rows, rows.T)
        _, indices = index.search(rows, 1)
    assert product.isfinite().all() and (indices >= 0).all()


@pytest.mark.parametrize(
    'factory, params',
    [
        ('Falt', None),
        ('Flat', {'nprobes': 3}),
        ('IVF64,Flat', None),
        ('PQ3', None),
    ],
    ids=['typo', 'unknown parameter', 'too few to train', 'dims'],
)
def test_faiss_refusals_are_explained(factory, params):
    with pytest.raises(ValueError, match='faiss cannot build'):
        FaissIndex(factory, params).build(random_rows(20, 8, 8))


def test_faiss_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'faiss', None)
    with pytest.raises(ImportError, match='pip install faiss-cpu'):
        FaissIndex('Flat').build(torch.ones(2, 2))


def test_faiss_before_build():
    with pytest.raises(RuntimeError, match='before it is built'):
        FaissIndex('Flat').search(torch.ones(1, 2), 1)


@pytest.mark.parametrize('sizes', [(0, 1), (1, 0)])
def test_chunk_sizes_are_checked(sizes):
    with pytest.raises(ValueError, match='at least 1'):
        ExactIndex(*sizes)


def test_autocast_does_not_coarsen_exact_search():
    rows = torch.nn.functional.normalize(random_rows(300, 16, 9))
    index = build(ExactIndex(), rows)
    expected = index.search(rows, 5)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = index.search(rows, 5)
    assert found[0].equal(expected[0]) and found[1].equal(expected[1])
