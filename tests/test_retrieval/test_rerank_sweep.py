"""The grid of Fig. 6 against one re-ranking after the other."""

import itertools
import json

import pytest
import torch

from mmc2f.retrieval import Gallery, ReRankPostProcessor
from mmc2f.retrieval.rerank_sweep import sweep_rerank

NUM_CLASSES, DIM = 4, 6


@pytest.fixture
def images():
    """Softmax, embeddings and labels of 30 images, and a gallery of 40."""
    torch.manual_seed(0)
    labels = torch.arange(30) % NUM_CLASSES
    centres = torch.randn(NUM_CLASSES, DIM)
    logits = torch.randn(30, NUM_CLASSES)
    logits[range(30), labels] += 0.5
    known = torch.arange(40) % NUM_CLASSES
    gallery = Gallery()
    gallery.fill(
        centres[known] + torch.randn(40, DIM),
        known,
        [str(i) for i in range(40)],
        {},
        num_classes=NUM_CLASSES,
    )
    embeddings = centres[labels] + torch.randn(30, DIM)
    return logits.softmax(dim=1), embeddings, labels, gallery


def test_every_setting_is_that_of_the_post_processor(images):
    probs, embeddings, labels, gallery = images
    found = sweep_rerank(
        *images, topn=(3, 2, 9), t_sf=(0.5, 0.9), t_sc=(0.6, 0.2), topm=10
    )
    # More classes than there are make no setting.
    assert found.topn == (2, 3)
    assert (found.t_sc, found.t_sf) == ((0.2, 0.6), (0.5, 0.9))
    assert found.accuracy.shape == (2, 2, 2)
    for place in itertools.product(range(2), repeat=3):
        rule = ReRankPostProcessor(
            topn=found.topn[place[0]],
            t_sc=found.t_sc[place[1]],
            t_sf=found.t_sf[place[2]],
            topm=10,
        )
        scores = rule(probs, embeddings, gallery).scores
        is_right = scores.argmax(dim=1) == labels
        expected = 100 * is_right.double().mean().item()
        assert found.accuracy[place] == pytest.approx(expected)
    is_right = probs.argmax(dim=1) == labels
    assert found.coarse_accuracy == pytest.approx(
        100 * is_right.double().mean().item()
    )


def test_threshold_is_tried_where_similarities_are(images):
    found = sweep_rerank(*images)
    similarities = images[3].search(images[1], 40).similarities
    assert found.t_sc[0] >= 0
    assert found.t_sc[-1] <= float(similarities.max()) + 1e-3
    assert found.t_sc[-1] > 0.5
    assert list(found.t_sc) == sorted(set(found.t_sc))
    assert found.topn == (2, 3, 4)


def test_numbers_as_json(images):
    found = sweep_rerank(*images, topn=(2,), t_sf=(0.5,), t_sc=(0.1, 0.2))
    told = json.loads(json.dumps(found.to_dict()))
    assert told['best']['accuracy'] == pytest.approx(found.accuracy.max())
    assert told['best']['topn'] == 2 and told['images'] == 30


def test_what_cannot_be_swept_is_refused(images):
    probs, embeddings, labels, gallery = images
    with pytest.raises(ValueError, match='no topn of'):
        sweep_rerank(*images, topn=(9,))
    with pytest.raises(ValueError, match='no image'):
        sweep_rerank(probs[:0], embeddings[:0], labels[:0], gallery)
