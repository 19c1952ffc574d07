"""Images that end after the global pass, and those that go on."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from tiny_ccfr import model_config
from torch import nn

from mmc2f.registry import MODELS
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor

FIELDS = (
    *('pred_score', 'pred_label', 'coarse_score', 'global_score'),
    *('embedding', 'regions', 'region_scores', 'region_scales'),
)
OF_REGIONS = FIELDS[4:]


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    cfg = model_config()
    # Not that of the global pass, so that going on makes a difference.
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(cfg, coarse_source='fused')).eval()
    for head in (model.head, model.global_head):
        nn.init.normal_(head.fc.weight)
    return model


@pytest.fixture(autouse=True)
def _detached(model):
    yield
    model.attach_cascade(None)
    model.attach_reranker(None)


@pytest.fixture
def images():
    return torch.randn(6, 3, 64, 64)


def middle(model, images):
    """A threshold that three of six images reach."""
    sure = torch.stack([s.global_score.max() for s in model.predict(images)])
    return float(sure.sort().values[3])


def reranker(with_new_class=False):
    gallery = Gallery()
    rows, labels = torch.randn(8, 288), torch.arange(8) % 4
    gallery.fill(rows, labels, list('abcdefgh'), {}, class_names=list('wxyz'))
    if with_new_class:
        gallery.add(torch.randn(1, 288), ['new.jpg'], 'new', is_new=True)
    rule = ReRankPostProcessor(topn=3, topm=8, t_sf=1.0, t_sc=0.0)
    return ReRanker(rule, gallery)


@pytest.mark.parametrize('with_gallery', [False, True])
def test_what_goes_on_gets_the_answer_of_the_full_model(
    model, images, with_gallery
):
    if with_gallery:
        model.attach_reranker(reranker())
    full = model.predict(images)
    model.attach_cascade(middle(model, images))
    mixed = model.predict(images)
    went_on = [sample.went_on for sample in mixed]
    assert sum(went_on) == 3
    for one, other in zip(mixed, full, strict=True):
        if one.went_on:
            for name in FIELDS:
                torch.testing.assert_close(
                    one.get(name).float(),
                    other.get(name).float(),
                    rtol=1e-5,
                    atol=1e-5,
                )
            assert ('neighbour_labels' in one) == with_gallery
        else:
            assert one.pred_score.equal(one.global_score)
            assert one.coarse_score.equal(one.global_score)
            assert one.pred_label == one.global_score.argmax()
            assert one.global_score.max() >= model.cascade_threshold
            assert not any(name in one for name in OF_REGIONS)
            assert 'neighbour_labels' not in one


def test_what_goes_on_is_one_batch(model, images, request):
    threshold = middle(model, images)
    batches = []
    hook = model.cropper.register_forward_pre_hook(
        lambda _, inputs: batches.append(len(inputs[0]))
    )
    request.addfinalizer(hook.remove)
    for value, sizes in ((threshold, [3]), (0.0, []), (1.0, [6])):
        batches.clear()
        model.attach_cascade(value)
        samples = model.predict(images)
        assert batches == sizes
        assert sum(sample.went_on for sample in samples) == sum(sizes)


def test_without_a_threshold_nothing_changes(model, images):
    samples = model.predict(images)
    assert not any('went_on' in sample for sample in samples)
    assert all(name in s for s in samples for name in FIELDS)


def test_given_samples_are_filled_in_place(model, images):
    given = [DataSample().set_gt_label(i % 4) for i in range(6)]
    model.attach_cascade(middle(model, images))
    samples = model(images, given, mode='predict')
    assert all(a is b for a, b in zip(samples, given, strict=True))
    assert [int(s.gt_label) for s in samples] == [0, 1, 2, 3, 0, 1]


def test_classes_of_the_gallery_alone_have_no_probability(model, images):
    model.attach_reranker(reranker(with_new_class=True))
    model.attach_cascade(middle(model, images))
    for sample in model.predict(images):
        assert len(sample.pred_score) == len(sample.coarse_score) == 5
        if not sample.went_on:
            assert sample.pred_score[-1] == 0


@pytest.mark.parametrize('threshold', [-0.1, float('nan'), 'auto'])
def test_wrong_thresholds_are_refused(model, threshold):
    with pytest.raises(ValueError, match='threshold'):
        model.attach_cascade(threshold)
