"""CCFR and MLPH on the families of backbones of mmpretrain and timm."""

import copy

import pytest
import tiny_ccfr
import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from tiny_backbones import FAMILIES, SIZE, ccfr_config, mlph_config
from torch import nn

from mmc2f.registry import MODELS
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor

LABELS = [0, 1, 2, 3, 0, 1, 2, 3]
each_family = pytest.mark.parametrize('family', list(FAMILIES))


def make_batch(size=SIZE):
    samples = [DataSample().set_gt_label(label) for label in LABELS]
    return torch.randn(len(LABELS), 3, size, size), samples


def snapshot(model):
    """Parameters by the part of the model that they belong to."""
    parts = {}
    for name, value in model.named_parameters():
        part = parts.setdefault(name.partition('.')[0], {})
        part[name] = value.detach().clone()
    return parts


def step(model, trained):
    """One step of training; the parts that it changed."""
    model.train()
    before = snapshot(model)
    optimizer = torch.optim.SGD(trained, lr=0.1)
    losses = model.loss(*make_batch())
    total = sum(x for name, x in losses.items() if name.startswith('loss'))
    assert total.isfinite()
    total.backward()
    optimizer.step()
    optimizer.zero_grad()
    return {
        name
        for name, part in snapshot(model).items()
        if any(not x.equal(before[name][key]) for key, x in part.items())
    }


def rerank(model):
    """Let the model re-rank by a gallery of its own embeddings."""
    model.eval()
    with torch.no_grad():
        samples = model.predict(make_batch()[0])
    gallery = Gallery()
    gallery.fill(
        torch.stack([sample.embedding for sample in samples]),
        torch.tensor(LABELS),
        [str(i) for i in range(len(LABELS))],
        dict(weights='w', pipeline='p', classes='c'),
    )
    post = ReRankPostProcessor(topn=4, topm=8, t_sf=1.0, t_sc=0.0)
    model.attach_reranker(ReRanker(post, gallery))


@each_family
def test_ccfr_trains_in_each_stage_and_reranks(family):
    model = MODELS.build(ccfr_config(family))
    changed = []
    for stage in tiny_ccfr.STAGES:
        model.set_losses(stage['losses'])
        model.warm_start(stage.get('warm_start', ()))
        model.requires_grad_(True)
        for name in stage.get('frozen', ()):
            model.get_submodule(name).requires_grad_(False)
        trained = [p for p in model.parameters() if p.requires_grad]
        changed.append(step(model, trained))
    assert changed == [
        {'backbone', 'global_head'},
        {'navigator', 'region_head'},
        {'backbone', 'fusion', 'head'},
    ]
    rerank(model)
    images = make_batch()[0][:2]
    with torch.no_grad():
        samples = model.predict(images)
    for sample in samples:
        assert sample.embedding.shape == (
            FAMILIES[family][1][-1] + model.fusion.out_features,
        )
        assert sample.pred_score.isfinite().all()
        assert not sample.pred_score.equal(sample.coarse_score)
        assert sample.regions.shape == (2, 4)
        assert sample.neighbour_indices.shape == (8,)


@each_family
@torch.no_grad()
def test_input_and_crops_of_any_size(family):
    model = MODELS.build(ccfr_config(family)).eval()
    channels = FAMILIES[family][1]
    stride = SIZE // model.backbone(make_batch()[0])[-1].shape[-1]
    for size, crop in ((SIZE, 48), (96, 32), (96, SIZE)):
        model.cropper.size = crop
        images = make_batch(size)[0][:2]
        maps = model.backbone(images)
        assert tuple(x.shape[1] for x in maps) == channels
        assert maps[-1].shape[-2:] == (size // stride, size // stride)
        regions = model.propose(maps, images, 1)
        local_maps = model.local_maps(images, regions)
        assert local_maps.shape[:3] == (2, 2, channels[-1])
        assert local_maps.shape[-1] in (crop // stride, -(-crop // stride))
        assert model(images).shape == (2, 4)


@each_family
def test_mlph_trains_and_reranks(family):
    model = MODELS.build(mlph_config(family))
    assert step(model, list(model.parameters())) == {
        'backbone',
        'neck',
        'head',
    }
    rerank(model)
    with torch.no_grad():
        samples = model.predict(make_batch(96)[0])
    for sample in samples:
        assert sample.embedding.shape == (20,)
        assert sample.pred_score.isfinite().all()
        assert sample.neighbour_indices.shape == (8,)


@torch.no_grad()
def test_position_embeddings_are_resized_for_crops():
    """Those of a network for small images, interpolated by hand."""
    config = FAMILIES['vit'][0]
    large = MODELS.build(copy.deepcopy(config))
    small = MODELS.build(dict(copy.deepcopy(config), img_size=32))
    nn.init.normal_(large.pos_embed)
    weights = large.state_dict()
    first, rest = weights['pos_embed'].split((1, 64), dim=1)
    grid = rest.transpose(1, 2).unflatten(2, (8, 8))
    grid = F.interpolate(grid, (4, 4), mode='bicubic', align_corners=False)
    rest = grid.flatten(2).transpose(1, 2)
    weights['pos_embed'] = torch.cat([first, rest], dim=1)
    small.load_state_dict(weights)
    large.eval()
    small.eval()
    crops = torch.randn(2, 3, 32, 32)
    for one, other in zip(large(crops), small(crops), strict=True):
        assert one.shape == (2, 16, 4, 4)
        torch.testing.assert_close(one, other)
