"""What CCFR looks at: a reduced whole, regions, random ones in training."""

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from test_ccfr import (
    LABELS,
    SCALES,
    make,
    total,
)

COSINE = dict(
    global_head=dict(scale=16.0),
    region_head=dict(type='mmc2f.CosineClsHead'),
    head=dict(type='mmc2f.CosineClsHead'),
)


@pytest.fixture
def images():
    return torch.randn(4, 3, 96, 96)


@pytest.fixture
def samples():
    return [DataSample().set_gt_label(label) for label in LABELS]


def test_the_whole_is_reduced_and_regions_are_cut_from_the_large(images):
    model = make(global_size=64)
    small = F.interpolate(
        images, size=(64, 64), mode='bilinear', antialias=True
    )
    embedded = model.embed(images)
    torch.testing.assert_close(
        embedded.global_feature, model.pool(model.backbone(small))
    )
    boxes = embedded.regions.boxes
    sides = boxes[..., 2:] - boxes[..., :2]
    # Anchors have their size in the large frame, which boxes are in.
    assert sorted(set(sides.flatten().tolist())) == list(SCALES)
    assert boxes.max() > 64
    crops = model.cropper(images, boxes)
    local = model.backbone(crops)[-1].mean(dim=(-2, -1))
    torch.testing.assert_close(embedded.local_features.flatten(0, 1), local)


def test_no_global_size_is_the_image_as_it_came(images):
    model = make()
    for a, b in zip(
        model.global_maps(images), model.backbone(images), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_random_regions_join_the_ranking_only(images, samples):
    model = make(num_random=3)
    seen = {}
    rank, fuse = model.ranking_loss.forward, model.fusion.forward
    model.ranking_loss.forward = lambda scores, quality: (
        seen.update(ranked=scores) or rank(scores, quality)
    )
    model.fusion.forward = lambda maps: seen.update(fused=maps) or fuse(maps)
    losses = model.loss(images, samples)
    total(losses).backward()
    scales = len(SCALES)
    # num_proposals is 3 and topk 2.
    assert seen['ranked'].shape == (4, scales * (3 + 3))
    assert seen['fused'].shape[1] == scales * 2
    best = model.propose(model.global_maps(images), images, 2)
    local = model.local_maps(images, best)
    torch.testing.assert_close(seen['fused'], local)


def test_random_regions_are_for_the_ranking_loss(images, samples):
    model = make(num_random=3, losses=('region', 'softmax'))
    torch.manual_seed(0)
    first = model.loss(images, samples)
    torch.manual_seed(1)
    second = model.loss(images, samples)
    torch.testing.assert_close(first, second)


def test_joined_is_the_mean_of_three_voices(images):
    model = make(coarse_source='joined')
    embedded = model.embed(images)
    local = embedded.local_features
    expected = []
    for i in range(4):
        voices = [
            model.global_head((embedded.global_feature[i : i + 1],)),
            model.head((embedded.embedding[i : i + 1],)),
        ]
        regions = [
            model.region_head((local[i, r : r + 1],)).log_softmax(dim=1)
            for r in range(local.shape[1])
        ]
        voices = [voice.log_softmax(dim=1) for voice in voices]
        voices.append(sum(regions) / len(regions))
        expected.append(sum(voices) / 3)
    torch.testing.assert_close(
        model.coarse_logits(embedded), torch.cat(expected)
    )


def test_cosine_heads_make_the_embedding(images, samples):
    model = make(**COSINE)
    model.warm_start(('head', 'region_head'))
    prediction = model.predict(images, samples)
    embedded = model.embed(images)
    embedding = model.head.pre_logits((embedded.embedding,))
    for i, sample in enumerate(prediction):
        torch.testing.assert_close(sample.embedding, embedding[i])
    torch.testing.assert_close(
        model.extract_feat(images, stage='pre_logits'), embedding
    )
    # Started from the global classifier, it answers as that does.
    torch.testing.assert_close(
        model.head((embedded.embedding,)).argmax(dim=1),
        model.global_head((embedded.global_feature,)).argmax(dim=1),
    )


def test_the_multi_level_head_of_cosines_has_its_tree(images, samples):
    model = make(**COSINE, losses=('multi_level',))
    losses = model.loss(images, samples)
    losses['loss_multi_level'].backward()
    assert model.global_head.fc.weight.grad.any()
    assert model.global_head.fc_parent.weight.grad.any()
    assert model.global_head.fc_parent.scale == 16


def test_parts_of_the_embedding_for_the_gallery(images):
    assert make().embedding_parts is None
    model = make(normalize_parts=True)
    embedded = model.embed(images)
    whole, local = model.embedding_parts
    assert whole == embedded.global_feature.shape[1]
    assert whole + local == embedded.embedding.shape[1]
