import copy

import pytest
import torch
from mmengine import Config
from mmengine.runner.checkpoint import load_checkpoint, save_checkpoint
from mmpretrain import get_model
from mmpretrain.structures import DataSample

from mmc2f.functional import multi_level_loss
from mmc2f.models import MultiLevelHead
from mmc2f.registry import MODELS
from mmc2f.structures import LabelTree

LABELS = [0, 2, 1]


def make_tree(parents=(0, 0, 1), grandparents=(0, 0)):
    return LabelTree(
        ('species', 'genus', 'family'),
        (
            [f's{i}' for i in range(len(parents))],
            [f'g{i}' for i in range(len(grandparents))],
            [f'f{i}' for i in range(max(grandparents) + 1)],
        ),
        (parents, grandparents),
    )


@pytest.fixture
def tree():
    return make_tree()


@pytest.fixture
def head(tree):
    return MultiLevelHead(3, 5, tree)


@pytest.fixture
def feature():
    return torch.randn(3, 5)


def samples():
    return [DataSample().set_gt_label(label) for label in LABELS]


def saved(head, path):
    """A checkpoint as a runner writes it, which safe loading can read."""
    save_checkpoint({'state_dict': head.state_dict()}, str(path))
    torch.load(path, weights_only=True)
    return str(path)


def test_loss_equals_the_function(head, feature):
    losses = head.loss((feature,), samples())
    expected = multi_level_loss(
        feature @ head.fc.weight.T + head.fc.bias,
        feature @ head.fc_parent.weight.T + head.fc_parent.bias,
        torch.tensor(LABELS),
        torch.tensor([0, 0, 1]),
    )
    assert set(losses) == {'loss', 'l1', 'l2', 'lh'}
    torch.testing.assert_close(losses['loss'], expected['total'])
    for name in ('l1', 'l2', 'lh'):
        torch.testing.assert_close(losses[name], expected[name].detach())
        assert not losses[name].requires_grad


def test_arguments_of_the_loss_reach_it(tree, feature):
    loss = dict(type='mmc2f.MultiLevelLoss', lam=0.0, loss_weight=2.0)
    head = MultiLevelHead(3, 5, tree, loss=loss)
    losses = head.loss((feature,), samples())
    expected = losses['l1'] + losses['lh']
    torch.testing.assert_close(losses['loss'].detach(), expected)


def test_both_classifiers_and_the_feature_are_trained(head, feature):
    feature.requires_grad_()
    head.loss((feature,), samples())['loss'].backward()
    for tensor in (head.fc.weight, head.fc_parent.weight, feature):
        assert tensor.grad.abs().sum() > 0


def test_the_last_of_the_features_is_classified(head, feature):
    logits = head((torch.zeros(3, 9), feature))
    torch.testing.assert_close(logits, head.fc(feature))


def test_accuracy_is_calculated_when_asked_for(tree):
    head = MultiLevelHead(3, 3, tree, cal_acc=True, topk=(1, 2))
    torch.nn.init.eye_(head.fc.weight)
    torch.nn.init.zeros_(head.fc.bias)
    feature = torch.tensor([[3.0, 2, 1], [3, 1, 2], [3, 2, 1]])
    losses = head.loss((feature,), samples())
    assert losses['accuracy_top-1'][0].item() == pytest.approx(100 / 3)
    assert losses['accuracy_top-2'][0].item() == pytest.approx(100)


def test_mixed_labels_are_refused(head, feature):
    mixed = samples()
    mixed[1].set_gt_score(torch.tensor([0.3, 0.0, 0.7]))
    with pytest.raises(ValueError, match=r'one class per image.*Mixup'):
        head.loss((feature,), mixed)


@pytest.mark.parametrize('name', ['cub', 'cars'])
def test_tree_by_the_name_of_a_packaged_one(name):
    tree = LabelTree.from_packaged(name)
    count = tree.num_classes()
    head = MODELS.build(
        dict(
            type='mmc2f.MultiLevelHead',
            num_classes=count,
            in_channels=2,
            tree=name,
        )
    )
    assert head.tree == tree
    assert torch.equal(head.parent_of, tree.parent_of())
    assert head.fc_parent.out_features == tree.num_classes(1)


@pytest.mark.parametrize(
    ('level', 'expected'),
    [
        ('genus', [0, 1, 2, 0]),
        (1, [0, 1, 2, 0]),
        ('family', [1, 0, 1, 1]),
        (-1, [1, 0, 1, 1]),
    ],
)
def test_parent_level_by_name_or_number(level, expected):
    tree = make_tree([0, 1, 2, 0], [1, 0, 1])
    head = MultiLevelHead(4, 5, tree, parent_level=level)
    assert head.parent_of.tolist() == expected
    assert head.fc_parent.out_features == max(expected) + 1


def test_unknown_parent_level_leaves_the_head_as_it_was(tree):
    head = MultiLevelHead(3, 5, parent_level='order')
    with pytest.raises(ValueError, match=r"'order'.*species, genus, family"):
        head.set_tree(tree)
    assert head.tree is None
    assert not head.tree_json.numel()


def test_tree_of_another_class_count(tree):
    with pytest.raises(ValueError, match=r'4 classes.*3'):
        MultiLevelHead(4, 5, tree)


@pytest.mark.parametrize(
    'spec', [None, dict(type='mmc2f.KMeansClustering', num_clusters=2)]
)
def test_without_a_tree_it_predicts_but_has_no_loss(spec, feature):
    head = MultiLevelHead(3, 5, spec)
    assert head.tree is None
    assert head((feature,)).shape == (3, 3)
    with pytest.raises(RuntimeError, match=r'needs a label tree.*tools/train'):
        head.loss((feature,), samples())


def test_tree_set_later_is_that_of_the_config(tree, head):
    later = MultiLevelHead(3, 5)
    later.set_tree(tree)
    later.load_state_dict(head.state_dict())
    assert later.tree == tree
    assert 'fc_parent.weight' in dict(later.named_parameters())


# ------------------------------------------------------------- checkpoints
def test_head_without_a_tree_takes_it_from_the_checkpoint(
    head, feature, tmp_path
):
    other = MultiLevelHead(3, 5)
    load_checkpoint(other, saved(head, tmp_path / 'a.pth'), strict=True)
    assert other.tree == head.tree
    assert other.parent_of.tolist() == [0, 0, 1]
    assert torch.equal(other.fc_parent.weight, head.fc_parent.weight)
    expected = head.loss((feature,), samples())['loss']
    assert torch.equal(other.loss((feature,), samples())['loss'], expected)


def test_names_beyond_ascii_travel_too(tmp_path):
    tree = LabelTree(('façade', 'ß'), (['Škoda', '野菜'], ['ä']), ((0, 0),))
    path = saved(MultiLevelHead(2, 5, tree), tmp_path / 'a.pth')
    other = MultiLevelHead(2, 5)
    load_checkpoint(other, path, strict=True)
    assert other.tree == tree


def test_the_same_tree_loads(head, tree, tmp_path):
    other = MultiLevelHead(3, 5, tree)
    load_checkpoint(other, saved(head, tmp_path / 'a.pth'), strict=True)
    assert torch.equal(other.fc_parent.weight, head.fc_parent.weight)


def test_another_tree_is_refused_with_the_difference(head, tmp_path):
    path = saved(head, tmp_path / 'a.pth')
    other = MultiLevelHead(3, 5, make_tree((0, 1, 1)))
    with pytest.raises(ValueError, match=r'(?s)s1.*tree = None'):
        load_checkpoint(other, path)


@pytest.mark.parametrize('own', [None, make_tree((0, 1, 1, 0))])
def test_checkpoint_of_other_classes_is_only_logged(head, own, tmp_path):
    """Fine-tuning on another data set starts from such a checkpoint."""
    path = saved(head, tmp_path / 'a.pth')
    other = MultiLevelHead(4, 5, own)
    before = copy.deepcopy(other.state_dict())
    load_checkpoint(other, path)
    assert other.tree == own
    after = other.state_dict()
    assert torch.equal(before['fc.weight'], after['fc.weight'])
    assert torch.equal(before['tree_json'], after['tree_json'])


def test_log_says_that_the_tree_is_not_taken_over(head, monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmc2f.models.heads.multi_level_head.print_log',
        lambda text, **kwargs: lines.append(text),
    )
    other = MultiLevelHead(4, 5)
    state = {'tree_json': head.state_dict()['tree_json']}
    with pytest.raises(RuntimeError, match='size mismatch'):
        other.load_state_dict(state, strict=False)
    assert len(lines) == 1
    assert '3 classes, the head has 4' in lines[0]


def test_checkpoint_without_a_tree_leaves_the_own(head, tree, tmp_path):
    path = saved(MultiLevelHead(3, 5), tmp_path / 'a.pth')
    load_checkpoint(head, path)
    assert head.tree == tree
    assert head.tree_json.numel()


def test_loading_does_not_change_the_checkpoint(head):
    state = MultiLevelHead(3, 5).state_dict()
    head.load_state_dict(state, strict=False)
    assert not state['tree_json'].numel()


# -------------------------------------------------------- as part of a host
@pytest.fixture
def classifier(tree):
    """Table 3, second row: multi-level loss on a plain classifier."""
    model = dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18, base_channels=4),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='mmc2f.MultiLevelHead',
            num_classes=3,
            in_channels=32,
            tree=tree.to_dict(),
        ),
    )
    return get_model(
        Config(dict(model=model, default_scope='mmpretrain')), device='cpu'
    )


def test_works_in_an_image_classifier(classifier):
    images = torch.randn(3, 3, 64, 64)
    losses = classifier(images, samples(), mode='loss')
    total, log = classifier.parse_losses(losses)
    assert {'loss', 'l1', 'l2', 'lh'} <= set(log)
    torch.testing.assert_close(total, losses['loss'])
    total.backward()
    assert classifier.backbone.conv1.weight.grad.abs().sum() > 0
    predictions = classifier.eval()(images, samples(), mode='predict')
    assert [tuple(p.pred_score.shape) for p in predictions] == [(3,)] * 3


def test_init_weights_reaches_both_classifiers(classifier):
    head = classifier.head
    torch.nn.init.ones_(head.fc.weight)
    torch.nn.init.ones_(head.fc_parent.weight)
    classifier.init_weights()
    for layer in (head.fc, head.fc_parent):
        assert 0 < layer.weight.std() < 0.05
        assert not layer.bias.any()
