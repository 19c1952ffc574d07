import copy
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmengine import Config
from mmpretrain import get_model
from mmpretrain.structures import DataSample
from torch import nn

from mmc2f.registry import MODELS
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor
from mmc2f.structures import LabelTree

TREE = LabelTree.from_clusters(list('abcd'), (0, 0, 1, 1))
LABELS = [0, 1, 0, 3]
SCALES = (24, 40)
GLOBAL, FUSED = 64, 32


def make_config(**changes):
    config = dict(
        type='mmc2f.CCFR',
        backbone=dict(
            type='mmpretrain.ResNet',
            depth=18,
            stem_channels=8,
            base_channels=8,
            out_indices=(2, 3),
        ),
        global_head=dict(
            type='mmc2f.MultiLevelHead',
            num_classes=4,
            in_channels=GLOBAL,
            tree=TREE,
        ),
        navigator=dict(
            type='mmc2f.FPNNavigatorHead',
            in_channels=(32, 64),
            fpn_channels=16,
            anchors=dict(
                type='mmc2f.AnchorGenerator',
                scales=SCALES,
                reference_size=None,
            ),
        ),
        nms=dict(type='mmc2f.ScaleSeparatedNMS', threshold=0.25, topk=2),
        cropper=dict(type='mmc2f.RegionCropper', size=32),
        fusion=dict(type='mmc2f.FusionNeck', in_channels=64, out_channels=16),
        region_head=dict(
            type='mmpretrain.LinearClsHead', num_classes=4, in_channels=GLOBAL
        ),
        head=dict(
            type='mmpretrain.LinearClsHead',
            num_classes=4,
            in_channels=GLOBAL + FUSED,
        ),
        num_proposals=3,
    )
    # A changed part keeps the rest of its arguments.
    for name, value in changes.items():
        is_part = isinstance(value, dict) and isinstance(
            config.get(name), dict
        )
        config[name] = {**config[name], **value} if is_part else value
    return config


def make(**changes):
    """A tiny CCFR in evaluation mode: exact, and with gradients."""
    torch.manual_seed(0)
    model = MODELS.build(make_config(**changes)).eval()
    for head in (model.region_head, model.head, model.global_head):
        nn.init.normal_(head.fc.weight)
    for layer in model.navigator.score:
        nn.init.normal_(layer.weight)
    return model


CONVENTIONAL = dict(
    nms=dict(separate=False),
    fusion=dict(num_scales=1, regions_per_scale=4, out_channels=FUSED),
)


@pytest.fixture
def images():
    return torch.randn(4, 3, 64, 64)


@pytest.fixture
def samples():
    return [DataSample().set_gt_label(label) for label in LABELS]


def gradients(model):
    """Top-level parts of which some parameter has a gradient."""
    return {
        name.split('.')[0]
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


# ------------------------------------------------------------------ predict
@pytest.mark.parametrize('batch', [1, 4])
def test_prediction_has_every_field(images, samples, batch):
    model = make()
    out = model(images[:batch], samples[:batch], mode='predict')
    assert len(out) == batch
    embedding = model.extract_feat(images[:batch], stage='pre_logits')
    for i, sample in enumerate(out):
        assert sample.gt_label.tolist() == [LABELS[i]]
        assert sample.pred_score.shape == (4,)
        assert sample.pred_score.sum().item() == pytest.approx(1)
        assert torch.equal(sample.pred_score, sample.coarse_score)
        assert sample.pred_label.tolist() == [sample.pred_score.argmax()]
        torch.testing.assert_close(sample.embedding, embedding[i])
        assert sample.embedding.shape == (GLOBAL + FUSED,)
        assert sample.regions.shape == (4, 4)
        assert sample.region_scores.shape == (4,)


def test_prediction_without_samples_makes_them(images):
    out = make().predict(images)
    assert [s.pred_score.shape for s in out] == [(4,)] * 4


def test_a_prediction_does_not_depend_on_its_batch(images):
    model = make()
    together = model.predict(images)
    for i, sample in enumerate(together):
        alone = model.predict(images[i : i + 1])[0]
        torch.testing.assert_close(alone.embedding, sample.embedding)
        assert torch.equal(alone.regions, sample.regions)


def test_regions_have_the_sizes_of_their_scales(images):
    """Two of each scale, the best first, of the navigator's own scores."""
    model = make()
    regions = model.embed(images).regions
    width = regions.boxes[..., 2] - regions.boxes[..., 0]
    height = regions.boxes[..., 3] - regions.boxes[..., 1]
    torch.testing.assert_close(width, torch.tensor([[24.0, 24, 40, 40]] * 4))
    torch.testing.assert_close(height, width)
    assert regions.scale_ids.tolist() == [0, 0, 1, 1]
    scores = model.navigator(model.backbone(images))
    anchors = model.navigator.anchors(model.backbone(images), (64, 64))
    assert torch.equal(regions.boxes, anchors.boxes[regions.anchor_index])
    torch.testing.assert_close(
        regions.scores, scores.gather(1, regions.anchor_index)
    )
    for group, members in enumerate(anchors.members):
        best = scores[:, members].amax(dim=1)
        torch.testing.assert_close(regions.scores[:, 2 * group], best)


def test_embedding_is_the_picture_written_out(images):
    model = make()
    embedded = model.embed(images)
    expected = []
    for image, boxes in zip(images, embedded.regions.boxes, strict=True):
        feature = model.backbone(image[None])[-1].mean(dim=(2, 3))[0]
        maps = [
            model.backbone(model.cropper(image[None], box[None, None]))[-1][0]
            for box in boxes
        ]
        fused = model.fusion(torch.stack(maps)[None])[0]
        expected.append(torch.cat([feature, fused]))
    torch.testing.assert_close(embedded.embedding, torch.stack(expected))
    torch.testing.assert_close(
        embedded.global_feature, embedded.embedding[:, :GLOBAL]
    )


@pytest.mark.parametrize('source', ['fused', 'global'])
def test_coarse_source(images, source):
    model = make(coarse_source=source)
    embedded = model.embed(images)
    logits = model.head.fc(embedded.embedding)
    if source == 'global':
        logits = model.global_head.fc(embedded.global_feature)
    torch.testing.assert_close(model(images), logits)
    scores = torch.stack([s.coarse_score for s in model.predict(images)])
    torch.testing.assert_close(scores, logits.softmax(dim=1))


@pytest.mark.parametrize('source', ['pre_logits', 'pooled'])
def test_what_a_gallery_holds(images, source):
    head = dict(type='mmc2f.CosineClsHead', num_classes=4)
    model = make(embedding_source=source, head=head)
    model.head.norm.running_mean.fill_(0.5)
    embedded = model.embed(images)
    expected = embedded.embedding
    if source == 'pre_logits':
        expected = model.head.norm(expected)
    found = torch.stack([s.embedding for s in model.predict(images)])
    torch.testing.assert_close(found, expected)
    # Of the triplet loss, in either case.
    torch.testing.assert_close(
        model.metric_embedding(embedded), model.head.norm(embedded.embedding)
    )


def test_global_head_answers_till_the_classifier_is_trained(images):
    model = make()
    fused = model(images)
    model.set_losses(('multi_level', 'region', 'ranking'))
    features = model.embed(images).global_feature
    torch.testing.assert_close(model(images), model.global_head.fc(features))
    model.set_losses(('softmax', 'triplet'))
    assert torch.equal(model(images), fused)


def test_stages_of_extract_feat(images):
    model = make()
    maps = model.extract_feat(images, stage='backbone')
    assert [tuple(x.shape[1:]) for x in maps] == [(32, 4, 4), (64, 2, 2)]
    (feature,) = model.extract_feat(images)
    torch.testing.assert_close(feature, maps[-1].mean(dim=(2, 3)))
    embedding = model.extract_feat(images, stage='pre_logits')
    assert torch.equal(embedding, model.embed(images).embedding)
    with pytest.raises(ValueError, match=r"stage must be one of.*'head'"):
        model.extract_feat(images, stage='head')


def test_unknown_mode(images):
    with pytest.raises(RuntimeError, match='Invalid mode "train"'):
        make()(images, mode='train')


# --------------------------------------------------------------------- loss
MULTI_LEVEL = {'loss_multi_level', 'l1', 'l2', 'lh'}


@pytest.mark.parametrize(
    ('active', 'keys'),
    [
        (('multi_level',), MULTI_LEVEL),
        (('region', 'ranking'), {'loss_region', 'loss_ranking'}),
        (('region',), {'loss_region'}),
        (('ranking',), {'loss_ranking'}),
        (('softmax',), {'loss_softmax'}),
        (('triplet',), {'loss_triplet'}),
        (('softmax', 'triplet'), {'loss_softmax', 'loss_triplet'}),
        (
            ('multi_level', 'region', 'ranking', 'softmax', 'triplet'),
            MULTI_LEVEL
            | {'loss_region', 'loss_ranking', 'loss_softmax', 'loss_triplet'},
        ),
    ],
)
def test_each_stage_has_its_losses_only(images, samples, active, keys):
    model = make(losses=active)
    losses = model(images, samples, mode='loss')
    assert set(losses) == keys
    assert total(losses).isfinite()
    sum_, log = model.parse_losses(losses)
    torch.testing.assert_close(sum_, total(losses))
    assert keys <= set(log)


def test_values_of_the_losses(images, samples):
    model = make()
    losses = model.loss(images, samples)
    embedding = model.embed(images).embedding
    labels = torch.tensor(LABELS)
    torch.testing.assert_close(
        losses['loss_softmax'],
        F.cross_entropy(model.head.fc(embedding), labels),
    )
    torch.testing.assert_close(
        losses['loss_triplet'], model.triplet_loss(embedding, labels)
    )
    feature = model.extract_feat(images)
    expected = model.global_head.loss(feature, samples)['loss']
    torch.testing.assert_close(losses['loss_multi_level'], expected)

    regions, features = proposals(model, images)
    log_probs = model.region_head.fc(features).log_softmax(dim=-1)
    confidence = torch.stack(
        [row[:, label] for row, label in zip(log_probs, LABELS, strict=True)]
    )
    torch.testing.assert_close(losses['loss_region'], -confidence.mean())
    torch.testing.assert_close(
        losses['loss_ranking'], model.ranking_loss(regions.scores, confidence)
    )


def test_weight_of_a_loss_is_its_own(images, samples):
    one = make().loss(images, samples)
    changed = make(
        triplet_loss=dict(type='mmc2f.CosineTripletLoss', loss_weight=3.0)
    ).loss(images, samples)
    torch.testing.assert_close(
        changed['loss_triplet'], 3 * one['loss_triplet']
    )
    assert torch.equal(changed['loss_softmax'], one['loss_softmax'])


def test_random_regions_may_be_compared_only(images, samples):
    torch.manual_seed(7)
    classified = make(num_random=2).loss(images, samples)
    model = make(num_random=2, classify_random=False)
    losses = model.loss(images, samples)
    # As without random regions, but for the comparison.
    without = make().loss(images, samples)
    for name in ('loss_region', 'loss_softmax', 'loss_triplet'):
        torch.testing.assert_close(losses[name], without[name])
    assert losses['loss_region'] != classified['loss_region']
    assert losses['loss_ranking'] != without['loss_ranking']


def test_what_is_compared_only_teaches_nothing_but_scores(images, samples):
    def region_gradient(**changes):
        model = make(losses=('region', 'ranking'), **changes)
        torch.manual_seed(3)
        model.loss(images, samples)['loss_region'].backward()
        return [p.grad for p in model.backbone.parameters()]

    compared = region_gradient(num_random=2, classify_random=False)
    without = region_gradient()
    for one, other in zip(compared, without, strict=True):
        torch.testing.assert_close(one, other)


def test_mixed_labels_are_refused(images, samples):
    samples[2].set_gt_score(torch.tensor([0.5, 0.5, 0, 0]))
    for active in ('multi_level', 'region', 'softmax', 'triplet'):
        with pytest.raises(ValueError, match='one class per image'):
            make(losses=(active,)).loss(images, samples)


# ---------------------------------------------------------------- gradients
def test_without_a_gate_the_navigator_learns_from_the_ranking_only(
    images, samples
):
    model = make(losses=('softmax', 'triplet'))
    total(model.loss(images, samples)).backward()
    assert gradients(model) == {'backbone', 'fusion', 'head'}


@pytest.mark.parametrize('active', ['softmax', 'triplet'])
def test_the_straight_through_gate_leads_to_the_navigator(
    images, samples, active
):
    model = make(losses=(active,), region_gate='straight_through')
    total(model.loss(images, samples)).backward()
    assert {'backbone', 'fusion', 'navigator'} <= gradients(model)


def test_the_gate_changes_no_value(images, samples):
    plain = make()
    gated = make(region_gate='straight_through')
    # Scores at which (1 + s) - s is not 1 in single precision.
    images = images * torch.linspace(0.1, 3, 4).view(4, 1, 1, 1)
    assert torch.equal(
        gated.embed(images).embedding, plain.embed(images).embedding
    )
    losses = gated.loss(images, samples)
    for name, value in plain.loss(images, samples).items():
        assert torch.equal(losses[name], value)


def test_gradient_of_the_gate_is_that_of_the_sigmoid():
    """d embedding / d score = map * s (1 - s), through pool_concat."""
    model = make(
        region_gate='straight_through',
        fusion=dict(mode='pool_concat'),
        head=dict(in_channels=5 * GLOBAL),
    )
    images = torch.randn(1, 3, 64, 64)
    maps = model.backbone(images)
    regions = model.propose(maps, images, 2)
    regions.scores.retain_grad()
    local_maps = model.local_maps(images, regions)
    model.join(maps, local_maps, regions).embedding.sum().backward()
    s = regions.scores.detach().sigmoid()
    pooled = local_maps.detach().mean(dim=(-2, -1)).sum(dim=-1)
    torch.testing.assert_close(regions.scores.grad, pooled * s * (1 - s))


@pytest.mark.parametrize('target', ['confidence', 'triplet_margin'])
def test_the_ranking_loss_teaches_the_navigator_only(images, samples, target):
    model = make(losses=('ranking',), ranking_target=target)
    model.loss(images, samples)['loss_ranking'].backward()
    assert gradients(model) == {'navigator'}


def test_the_backbone_is_shared_and_the_crops_are_new_images(images):
    model = make()
    images.requires_grad_()
    seen = []
    model.backbone.register_forward_hook(
        lambda module, args, output: seen.append(tuple(args[0].shape))
    )
    regions = model.propose(model.backbone(images), images, 2)
    model.local_maps(images, regions).sum().backward()
    assert seen == [(4, 3, 64, 64), (16, 3, 32, 32)]
    assert images.grad is None
    assert model.backbone.conv1.weight.grad.any()


# ---------------------------------------------------------- ranking targets
def proposals(model, images):
    """The proposals, and the pooled feature of each, crop by crop."""
    regions = model.propose(
        model.backbone(images), images, model.num_proposals
    )
    features = [
        torch.cat(
            [
                model.backbone(model.cropper(image[None], box[None, None]))[-1]
                .flatten(2)
                .mean(dim=2)
                for box in boxes
            ]
        )
        for image, boxes in zip(images, regions.boxes, strict=True)
    ]
    return regions, torch.stack(features)


class RankingRecorder(nn.Module):
    """Keeps what a ranking loss was asked to compare."""

    def forward(self, scores, quality):
        self.quality = quality
        return scores.sum()


def quality_of(model, images, samples):
    model.ranking_loss = RankingRecorder()
    model.set_losses(('ranking',))
    model.loss(images, samples)
    return model.ranking_loss.quality


def naive_margin(feature, prototypes, label):
    cosines = [
        F.cosine_similarity(feature, prototype, dim=0).item()
        for prototype in prototypes
    ]
    others = [c for k, c in enumerate(cosines) if k != label]
    return cosines[label] - max(others)


def test_triplet_margin_compares_with_the_classes_of_the_region_head(
    images, samples
):
    model = make(ranking_target='triplet_margin')
    quality = quality_of(model, images, samples)
    _, features = proposals(model, images)
    expected = [
        [naive_margin(x, model.region_head.fc.weight, label) for x in row]
        for row, label in zip(features, LABELS, strict=True)
    ]
    torch.testing.assert_close(quality, torch.tensor(expected))
    assert not quality.requires_grad


def test_the_two_targets_order_the_proposals_differently(images, samples):
    orders = [
        quality_of(make(ranking_target=target), images, samples).argsort()
        for target in ('confidence', 'triplet_margin')
    ]
    assert not torch.equal(*orders)


# ------------------------------------------------------- choices of regions
@pytest.mark.parametrize('changes', [{}, CONVENTIONAL])
@pytest.mark.parametrize('threshold', [0.25, 0.0])
def test_fused_are_the_first_of_each_scale(
    images, samples, changes, threshold
):
    """More proposals than fused regions change nothing but the ranking.

    With the threshold 0 there are too few survivors and the best repeats.
    """
    nms = {**changes.get('nms', {}), 'threshold': threshold}
    many = make(**{**changes, 'nms': nms}, num_proposals=4)
    few = make(**{**changes, 'nms': nms}, num_proposals=2)
    maps = many.backbone(images)
    proposed = many.propose(maps, images, 4)
    assert proposed.num_regions == 8
    columns = many.nms.leading_columns(proposed.num_regions, num_scales=2)
    chosen = few.propose(maps, images, 2)
    fused = proposed.select(columns)
    assert torch.equal(fused.anchor_index, chosen.anchor_index)
    assert torch.equal(fused.scale_ids, chosen.scale_ids)

    losses, expected = many.loss(images, samples), few.loss(images, samples)
    for name in ('loss_softmax', 'loss_triplet'):
        torch.testing.assert_close(losses[name], expected[name])
    assert losses['loss_ranking'] != expected['loss_ranking']


@pytest.mark.parametrize(
    'changes',
    [
        CONVENTIONAL,
        dict(
            fusion=dict(mode='pool_concat'), head=dict(in_channels=5 * GLOBAL)
        ),
        dict(
            nms=dict(separate=False),
            fusion=dict(mode='pool_concat'),
            head=dict(in_channels=5 * GLOBAL),
        ),
    ],
)
def test_ablations_run_from_end_to_end(images, samples, changes):
    """Rows 3 to 5 of Table 3: conventional NMS, concatenation."""
    model = make(**changes).train()
    total(model.loss(images, samples)).backward()
    parts = {name.split('.')[0] for name, _ in model.named_parameters()}
    assert gradients(model) == parts
    out = model.eval().predict(images, samples)
    assert out[0].regions.shape == (4, 4)
    length = model.fusion.out_features + GLOBAL
    assert out[0].embedding.shape == (length,)


def test_conventional_nms_orders_by_score_alone(images):
    regions = make(**CONVENTIONAL).embed(images).regions
    assert regions.scale_ids.tolist() == [0] * 4
    assert (regions.scores.diff(dim=1) <= 0).all()


# ------------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(coarse_source='local'), r"coarse_source must be.*'local'"),
        (dict(embedding_source='x'), r"embedding_source must be.*'x'"),
        (dict(region_gate='soft'), r"region_gate must be.*'soft'"),
        (dict(ranking_target='loss'), r"ranking_target must be.*'loss'"),
        (dict(num_proposals=1), r'num_proposals \(1\).*nms\.topk \(2\)'),
        (dict(losses=('softmax', 'tripplet')), r"choice of.*'tripplet'"),
        (dict(losses=()), 'losses are a choice of'),
    ],
)
def test_wrong_arguments(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_wrong_losses_leave_the_active_ones():
    model = make(losses=('softmax',))
    with pytest.raises(ValueError, match='losses are a choice of'):
        model.set_losses(('center',))
    assert model.active_losses == {'softmax'}


def test_topk_and_fusion_must_agree(images):
    model = make(fusion=dict(regions_per_scale=3))
    with pytest.raises(ValueError, match='must agree'):
        model.predict(images)


# --------------------------------------------------------------- re-ranking
class FakeReRanker:
    """Turns the classes round."""

    def __init__(self):
        self.calls, self.annotated = [], []

    def __call__(self, coarse, embeddings):
        self.calls.append((coarse, embeddings))
        return SimpleNamespace(scores=coarse.flip(1))

    def annotate(self, sample, result, row):
        self.annotated.append(row)
        sample.retrieval_score = result.scores[row]


def test_reranked_scores_are_predicted_and_the_coarse_are_kept(images):
    model = make()
    coarse = model.predict(images)
    reranker = FakeReRanker()
    model.attach_reranker(reranker)
    for before, after in zip(coarse, model.predict(images), strict=True):
        assert torch.equal(after.coarse_score, before.pred_score)
        assert torch.equal(after.pred_score, before.pred_score.flip(0))
        assert after.pred_label.item() == 3 - before.pred_label.item()
        assert torch.equal(after.retrieval_score, after.pred_score)
    assert reranker.annotated == [0, 1, 2, 3]
    ((given, embeddings),) = reranker.calls
    assert torch.equal(given[1], coarse[1].pred_score)
    assert torch.equal(embeddings[1], coarse[1].embedding)

    model.attach_reranker(None)
    again = model.predict(images)[0]
    assert torch.equal(again.pred_score, coarse[0].pred_score)
    assert 'retrieval_score' not in again


@pytest.fixture
def reranking(images):
    """A model with a real gallery of its own embeddings."""
    model = make()
    with torch.no_grad():
        embeddings = model.extract_feat(images, stage='pre_logits')
    gallery = Gallery()
    gallery.fill(embeddings, torch.tensor(LABELS), list('wxyz'), {})
    processor = ReRankPostProcessor(topn=4, topm=3, t_sf=1.0, t_sc=0.0)
    model.attach_reranker(ReRanker(processor, gallery))
    return model


def test_a_gallery_finds_its_own_images(reranking, images):
    for i, sample in enumerate(reranking.predict(images)):
        assert sample.neighbour_indices[0] == i
        assert sample.neighbour_labels[0] == LABELS[i]
        assert sample.neighbour_similarities[0].item() == pytest.approx(1)
        assert sample.neighbour_labels.shape == (3,)
        assert sample.retrieval_score.shape == (4,)


def test_an_embedding_that_is_not_finite_is_refused(reranking, images):
    images[2] = float('nan')
    with pytest.raises(ValueError, match='query 2'):
        reranking.predict(images)


# ------------------------------------------------------- as part of the host
def test_get_model_builds_it_in_the_scope_of_mmpretrain(images, samples):
    config = make_config()
    config['global_head']['tree'] = TREE.to_dict()
    for part in ('backbone', 'region_head', 'head'):
        config[part]['type'] = config[part]['type'].split('.')[1]
    settings = dict(
        model=config,
        default_scope='mmpretrain',
        data_preprocessor=dict(num_classes=4, mean=[127.5] * 3, std=[50] * 3),
    )
    model = get_model(Config(settings), device='cpu')
    assert type(model).__name__ == 'CCFR'
    assert model.data_preprocessor.mean.flatten().tolist() == [127.5] * 3
    data = dict(
        inputs=list((images * 50 + 127).to(torch.uint8)), data_samples=samples
    )
    out = model.test_step(data)
    assert out[0].pred_score.shape == (4,)


def test_a_copy_predicts_the_same(images):
    model = make()
    copied = copy.deepcopy(model)
    assert torch.equal(copied(images), model(images))


def test_weights_of_a_trained_model_bring_the_tree(images, samples):
    model = make()
    other = MODELS.build(make_config(global_head=dict(tree=None))).eval()
    assert other.global_head.tree is None
    other.load_state_dict(model.state_dict())
    assert other.global_head.tree == TREE
    assert torch.equal(other(images), model(images))
    losses = other.loss(images, samples)
    for name, value in model.loss(images, samples).items():
        assert torch.equal(losses[name], value)


# ----------------------------------------------------------------- learning
def test_overfits_a_few_images():
    """All five losses together learn four classes of two images each."""
    torch.manual_seed(3)
    patterns = torch.randn(4, 3, 8, 8)
    images = F.interpolate(patterns, scale_factor=8.0)
    images = images.repeat_interleave(2, dim=0)
    images = images + 0.3 * torch.randn_like(images)
    labels = torch.arange(4).repeat_interleave(2)
    samples = [DataSample().set_gt_label(label) for label in labels]
    # The sum over pairs has steep gradients that diverge at this rate.
    ranking = dict(type='mmc2f.NavigatorRankingLoss', reduction='mean')
    model = MODELS.build(make_config(ranking_loss=ranking)).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    history = []
    for _ in range(30):
        losses = model.loss(images, samples)
        optimizer.zero_grad()
        total(losses).backward()
        optimizer.step()
        history.append({k: v.item() for k, v in losses.items()})
    first, last = history[0], history[-1]
    assert total(last) < 0.3 * total(first)
    for name in ('loss_multi_level', 'loss_softmax', 'loss_triplet'):
        assert last[name] < 0.1 * first[name]
    assert last['loss_region'] < 0.5 * first['loss_region']
    assert last['loss_ranking'] < 0.8 * first['loss_ranking']
    # On statistics of the batch, as trained: the running ones of so short a
    # run are a blend of whole images and crops.
    predictions = model.predict(images)
    assert [s.pred_label.item() for s in predictions] == labels.tolist()
