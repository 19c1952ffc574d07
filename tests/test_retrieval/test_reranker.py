"""What a model hands its predictions to."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor


@pytest.fixture
def reranker():
    gallery = Gallery()
    gallery.fill(
        torch.eye(3), torch.tensor([0, 1, 1]), ['a.jpg', 'b.jpg', 'c.jpg'], {}
    )
    return ReRanker(ReRankPostProcessor(topm=2), gallery)


def test_reranks_and_takes_the_time(reranker):
    probs = torch.tensor([[0.4, 0.35, 0.25], [0.9, 0.1, 0.0]])
    queries = torch.tensor([[0.0, 0.1, 1.0], [1.0, 0.0, 0.0]])
    result = reranker(probs, queries)
    expected = ReRankPostProcessor(topm=2)(probs, queries, reranker.gallery)
    assert result.scores.equal(expected.scores)
    once = reranker.seconds
    reranker(probs, queries)
    assert reranker.seconds > once > 0


def test_notes_the_neighbours_on_a_sample(reranker):
    result = reranker(
        torch.full((2, 3), 1 / 3),
        torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.1, 1.0]]),
    )
    sample = DataSample()
    reranker.annotate(sample, result, row=1)
    assert sample.neighbour_ids == ['c.jpg', 'b.jpg']
    assert sample.neighbour_indices.tolist() == [2, 1]
    assert sample.neighbour_labels.tolist() == [1, 1]
    assert sample.neighbour_similarities.equal(
        result.neighbours.similarities[1]
    )
    assert sample.retrieval_score.equal(result.retrieval_scores[1])


def test_a_neighbour_that_was_not_found_has_no_name(reranker):
    result = reranker(torch.full((1, 3), 1 / 3), torch.eye(3)[:1])
    result.neighbours.indices[0, 1] = -1
    sample = DataSample()
    reranker.annotate(sample, result, row=0)
    assert sample.neighbour_ids == ['a.jpg', None]
