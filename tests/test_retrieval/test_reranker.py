"""The configured re-ranking, and what a model hands its predictions to."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval import (
    Gallery,
    ReRanker,
    ReRankPostProcessor,
    rerank,
    retrieval_scores,
)

NUM_CLASSES = 4


@pytest.fixture
def gallery():
    generator = torch.Generator().manual_seed(0)
    gallery = Gallery()
    gallery.fill(
        torch.rand(12, 6, generator=generator),
        torch.arange(12) % NUM_CLASSES,
        [str(i) for i in range(12)],
        {},
    )
    return gallery


@pytest.fixture
def queries():
    generator = torch.Generator().manual_seed(1)
    probs = torch.rand(5, NUM_CLASSES, generator=generator).softmax(1)
    return probs, torch.rand(5, 6, generator=generator)


@pytest.mark.parametrize('gate', ['per_class', 'top1'])
def test_equals_search_and_pure_function(gallery, queries, gate):
    probs, embeddings = queries
    setting = {'topn': 3, 't_sf': 0.3, 't_sc': 0.8, 'alpha': 0.5, 'beta': 2}
    result = ReRankPostProcessor(topm=7, gate=gate, **setting)(
        probs, embeddings, gallery
    )
    found = gallery.search(embeddings, 7)
    assert result.neighbours.indices.equal(found.indices)
    assert result.scores.equal(
        rerank(probs, found.similarities, found.labels, gate=gate, **setting)
    )
    assert result.retrieval_scores.equal(
        retrieval_scores(found.similarities, found.labels, NUM_CLASSES)
    )
    assert not result.scores.equal(probs)


def test_retrieval_names_the_class_of_the_nearest_image(gallery, queries):
    result = ReRankPostProcessor()(*queries, gallery)
    nearest = result.neighbours.labels[:, 0]
    assert result.retrieval_scores.argmax(1).equal(nearest)


def test_class_without_gallery_image_keeps_its_softmax():
    gallery = Gallery()
    gallery.fill(torch.eye(2), torch.tensor([0, 2]), ['a', 'b'], {}, 3)
    probs = torch.tensor([[0.2, 0.5, 0.3]])
    result = ReRankPostProcessor()(probs, torch.eye(2)[1:], gallery)
    assert result.scores[0, 1] == pytest.approx(0.5, abs=1e-5)
    assert result.scores.argmax() == 2


def test_auto_threshold_must_be_calibrated(gallery, queries):
    processor = ReRankPostProcessor(t_sf='auto')
    assert not processor.is_calibrated
    with pytest.raises(RuntimeError, match='calibrate'):
        processor(*queries, gallery)
    probs = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    assert processor.calibrate(probs) == pytest.approx(2.2 / 3)
    assert processor.t_sf == pytest.approx(2.2 / 3)
    assert processor.is_calibrated
    processor(*queries, gallery)


@pytest.mark.parametrize(
    'probs, message',
    [
        (torch.zeros(0, 3), 'at least one'),
        (torch.ones(3), 'at least one'),
        (torch.full((2, 3), float('nan')), r'\[0, 1\]'),
    ],
)
def test_calibration_needs_probabilities(probs, message):
    processor = ReRankPostProcessor(t_sf='auto')
    with pytest.raises(ValueError, match=message):
        processor.calibrate(probs)
    assert not processor.is_calibrated


def test_topn_over_the_class_count_warns_once(gallery, queries, monkeypatch):
    messages = []
    monkeypatch.setattr(
        'mmc2f.retrieval.reranker.print_log',
        lambda message, **kwargs: messages.append(message),
    )
    processor = ReRankPostProcessor(topn=9)
    result = processor(*queries, gallery)
    processor(*queries, gallery)
    assert len(messages) == 1
    assert 'topn=9' in messages[0] and '4 classes' in messages[0]
    expected = ReRankPostProcessor(topn=NUM_CLASSES)(*queries, gallery)
    assert result.scores.equal(expected.scores)


def test_gallery_of_more_classes_is_refused(gallery, queries):
    probs, embeddings = queries
    with pytest.raises(ValueError, match='another class list'):
        ReRankPostProcessor()(probs[:, :2], embeddings, gallery)


def test_batch_sizes_must_agree(gallery, queries):
    probs, embeddings = queries
    with pytest.raises(ValueError, match='3 queries'):
        ReRankPostProcessor()(probs[:3], embeddings, gallery)


def test_empty_gallery(queries):
    with pytest.raises(RuntimeError, match='gallery is empty'):
        ReRankPostProcessor()(*queries, Gallery())


@pytest.mark.parametrize(
    'arguments',
    [
        {'topn': 0},
        {'topm': 0},
        {'t_sf': -0.1},
        {'t_sf': 1.1},
        {'t_sf': 'mean'},
        {'t_sc': -0.1},
        {'t_sc': 1.1},
        {'alpha': -1},
        {'beta': -1},
        {'gate': 'both'},
    ],
)
def test_arguments_are_checked_at_once(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        ReRankPostProcessor(**arguments)


def test_builds_from_config():
    processor = TASK_UTILS.build(
        {'type': 'mmc2f.ReRankPostProcessor', 't_sf': 0.7}
    )
    assert (processor.topn, processor.topm, processor.t_sf) == (5, 50, 0.7)
    assert (processor.alpha, processor.beta) == (0.0, 1.0)
    assert processor.gate == 'per_class'


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
