"""A classifier with embeddings, with and without levels and re-ranking."""

import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.models import EmbeddingClassifier
from mmc2f.registry import MODELS
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ('species', 'genus'), (['a', 'b', 'c'], ['ab', 'c']), ((0, 0, 1),)
)
HEADS = {
    'linear': dict(
        type='mmpretrain.LinearClsHead', num_classes=3, in_channels=12
    ),
    'hierarchical': dict(
        type='mmc2f.HierarchicalHead', tree=TREE.to_dict(), in_channels=12
    ),
    'cosine': dict(
        type='mmc2f.CosineClsHead', num_classes=3, in_channels=12
    ),
}


def build(head, **options):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='mmc2f.EmbeddingClassifier',
            backbone=dict(
                type='mmc2f.FeatureTap',
                model_name='test_efficientnet',
                nodes=('blocks.2', 'blocks.3', 'bn2'),
            ),
            neck=dict(
                type='mmc2f.TrilinearPoolingNeck',
                in_channels=(32, 48, 256),
                channels=3,
            ),
            head=HEADS[head],
            **options,
        )
    )
    model.init_weights()
    return model.eval()


@pytest.fixture(params=list(HEADS))
def model(request):
    return build(request.param)


@pytest.fixture
def images():
    return torch.randn(3, 3, 32, 32, generator=torch.manual_seed(1))


def at_levels(*levels):
    samples = [DataSample().set_gt_label(0) for _ in levels]
    for sample, level in zip(samples, levels, strict=True):
        sample.set_field(level, 'level', field_type='metainfo')
    return samples


def gallery():
    result = Gallery()
    result.fill(
        torch.eye(3, 12),
        torch.tensor([0, 1, 2]),
        ['a.jpg', 'b.jpg', 'c.jpg'],
        dict(weights='w', pipeline='p', classes='c'),
    )
    return result


@torch.no_grad()
def test_embedding_is_what_the_classifier_reads(model, images):
    read = model.head.pre_logits(model.extract_feat(images))
    for sample, x in zip(model.predict(images), read, strict=True):
        assert torch.equal(sample.embedding, x)
        assert x.shape == (12,)
        assert torch.equal(sample.coarse_score, sample.pred_score)
        assert sample.pred_label.item() == sample.pred_score.argmax()


@torch.no_grad()
@pytest.mark.parametrize('head', list(HEADS))
def test_embedding_may_be_what_was_pooled(head, images):
    model = build(head, embedding_source='pooled')
    classifier = build(head)
    for sample, x, read in zip(
        model.predict(images),
        model.extract_feat(images)[-1],
        classifier.predict(images),
        strict=True,
    ):
        assert torch.equal(sample.embedding, x)
        assert torch.equal(sample.pred_score, read.pred_score)
        # Only a head with a normalisation of its own makes a difference.
        assert torch.equal(x, read.embedding) == (head != 'cosine')


def test_another_source_of_embeddings_is_refused():
    with pytest.raises(ValueError, match=r"embedding_source must be.*'x'"):
        build('linear', embedding_source='x')


@torch.no_grad()
def test_logits_and_scores_agree(model, images):
    logits = model(images)
    scores = torch.stack([s.coarse_score for s in model.predict(images)])
    torch.testing.assert_close(logits.softmax(dim=1), scores)


@torch.no_grad()
def test_reranking_is_that_of_the_post_processor(model, images):
    post = ReRankPostProcessor(topn=3, topm=3, t_sf=1.0, t_sc=0.0)
    coarse = torch.stack([s.coarse_score for s in model.predict(images)])
    embeddings = torch.stack([s.embedding for s in model.predict(images)])
    expected = post(coarse, embeddings, gallery())
    model.attach_reranker(ReRanker(post, gallery()))
    for i, sample in enumerate(model.predict(images)):
        assert torch.equal(sample.coarse_score, coarse[i])
        torch.testing.assert_close(sample.pred_score, expected.scores[i])
        assert sample.pred_label.item() == expected.scores[i].argmax()
        assert set(sample.neighbour_ids) == {'a.jpg', 'b.jpg', 'c.jpg'}
        assert torch.equal(
            sample.retrieval_score, expected.retrieval_scores[i]
        )
    model.attach_reranker(None)
    assert 'neighbour_ids' not in model.predict(images)[0]


@torch.no_grad()
def test_only_the_finest_level_is_reranked(images):
    model = build('hierarchical')
    before = model.predict(images, at_levels(1, 0, 1))
    post = ReRankPostProcessor(topn=3, topm=3, t_sf=1.0, t_sc=0.0)
    model.attach_reranker(ReRanker(post, gallery()))
    after = model.predict(images, at_levels(1, 0, 1))
    found = ['neighbour_ids' in sample for sample in after]
    assert found == [False, True, False]
    for old, new in zip(before[::2], after[::2], strict=True):
        assert torch.equal(old.pred_score, new.pred_score)
        assert len(new.pred_score) == 2
        assert len(new.coarse_score) == 3
    # No sample of the batch is at the finest level.
    assert len(model.predict(images, at_levels(1, 1, 1))) == 3


def test_both_levels_train_the_shared_feature(images):
    model = build('hierarchical').train()
    for level, name in enumerate(TREE.levels):
        model.zero_grad()
        losses = model.loss(images, at_levels(*[level] * 3))
        losses[f'loss_{name}'].backward()
        assert all(p.weight.grad.any() for p in model.neck.projections)


def test_is_an_image_classifier_of_the_host():
    from mmpretrain.models import ImageClassifier

    assert issubclass(EmbeddingClassifier, ImageClassifier)
