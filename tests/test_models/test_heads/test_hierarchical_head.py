import math
import random

import pytest
import torch
from mmengine.runner.checkpoint import load_checkpoint, save_checkpoint
from mmpretrain.structures import DataSample

from mmc2f.models import HierarchicalHead
from mmc2f.registry import MODELS
from mmc2f.structures import LabelTree, combine_levels, sum_to_levels

FEATURES = 6


def make_tree(families=2):
    return LabelTree(
        ('species', 'genus', 'family'),
        (
            ['s0', 's1', 's2', 's3'],
            ['g0', 'g1', 'g2'],
            [f'f{i}' for i in range(families)],
        ),
        ((0, 0, 1, 2), (0, 0, families - 1)),
    )


@pytest.fixture
def tree():
    return make_tree()


@pytest.fixture
def head(tree):
    torch.manual_seed(0)
    head = HierarchicalHead(tree, FEATURES)
    for fc in head.fcs:
        torch.nn.init.normal_(fc.weight)
    return head


@pytest.fixture
def feature():
    return torch.randn(5, FEATURES, generator=torch.manual_seed(1))


def samples(*pairs):
    """Samples of (level, label); a level of None leaves it out."""
    result = []
    for level, label in pairs:
        sample = DataSample().set_gt_label(label)
        if level is not None:
            sample.set_field(level, 'level', field_type='metainfo')
        result.append(sample)
    return result


def naive_entropy(head, level, feature, label):
    """-log softmax of one row, written with loops."""
    weight, bias = head.fcs[level].weight, head.fcs[level].bias
    logits = [
        sum(w * x for w, x in zip(row, feature.tolist(), strict=True)) + b
        for row, b in zip(weight.tolist(), bias.tolist(), strict=True)
    ]
    total = sum(math.exp(logit) for logit in logits)
    return -math.log(math.exp(logits[label]) / total)


@pytest.mark.parametrize('level', [0, 1, 2])
def test_a_batch_of_one_level_trains_its_classifier_alone(
    head, feature, level
):
    labels = [0, 1, 0, 1, 1]
    losses = head.loss((feature,), samples(*((level, y) for y in labels)))
    name = f'loss_{head.tree.levels[level]}'
    assert list(losses) == [name]
    expected = sum(
        naive_entropy(head, level, x, y)
        for x, y in zip(feature, labels, strict=True)
    ) / len(labels)
    assert losses[name].item() == pytest.approx(expected, rel=1e-5)
    losses[name].backward()
    trained = [fc.weight.grad is not None for fc in head.fcs]
    assert trained == [i == level for i in range(3)]


def test_a_mixed_batch_sums_the_means_of_its_levels_eq_7(head, feature):
    pairs = [(2, 1), (0, 3), (1, 2), (0, 0), (2, 0)]
    random.Random(0).shuffle(pairs)
    losses = head.loss((feature,), samples(*pairs))
    for level, name in enumerate(head.tree.levels):
        rows = [
            naive_entropy(head, level, x, y)
            for x, (own, y) in zip(feature, pairs, strict=True)
            if own == level
        ]
        expected = sum(rows) / len(rows)
        assert losses[f'loss_{name}'].item() == pytest.approx(
            expected, rel=1e-5
        )


def test_no_level_means_the_finest(head, feature):
    plain = samples(*((None, y) for y in (0, 1, 2, 3, 0)))
    finest = samples(*((0, y) for y in (0, 1, 2, 3, 0)))
    assert head.loss((feature,), plain) == head.loss((feature,), finest)
    prediction = head.predict((feature,))[0]
    assert prediction.pred_score.shape == (4,)
    assert torch.equal(head((feature,)), head.fcs[0](feature))


def test_the_last_feature_is_read(head, feature):
    other = torch.zeros_like(feature)
    assert torch.equal(head((other, feature)), head((feature,)))


def test_prediction_is_of_the_samples_level(head, feature):
    given = samples((0, 0), (1, 0), (2, 0), (1, 2), (None, 1))
    predicted = head.predict((feature,), given)
    assert all(a is b for a, b in zip(predicted, given, strict=True))
    for sample, level, x in zip(
        predicted, (0, 1, 2, 1, 0), feature, strict=True
    ):
        assert [len(s) for s in sample.level_scores] == [4, 3, 2]
        for i, fc in enumerate(head.fcs):
            expected = (x @ fc.weight.T + fc.bias).softmax(dim=0)
            torch.testing.assert_close(sample.level_scores[i], expected)
        assert torch.equal(sample.pred_score, sample.level_scores[level])
        assert sample.pred_label.item() == sample.pred_score.argmax()


@pytest.mark.parametrize(
    ('options', 'numbers'),
    [
        (dict(combine='marginal'), (0.0, 1.0)),
        (dict(combine='product'), (0.5, 1.0)),
        (
            dict(
                combine='product',
                level_weights=(1, 0.2, 0.9),
                level_sharpness=[1, 2, 'inf'],
            ),
            ((1, 0.2, 0.9), (1, 2, math.inf)),
        ),
    ],
)
def test_levels_are_combined(head, tree, feature, options, numbers):
    combined = HierarchicalHead(tree, FEATURES, **options)
    combined.load_state_dict(head.state_dict())
    given = samples((0, 0), (1, 0), (2, 0), (1, 2), (None, 1))
    predicted = combined.predict((feature,), given)
    expected = combine_levels([fc(feature) for fc in head.fcs], tree, *numbers)
    for i, (sample, level) in enumerate(
        zip(predicted, (0, 1, 2, 1, 0), strict=True)
    ):
        for own, scores in zip(sample.level_scores, expected, strict=True):
            torch.testing.assert_close(own, scores[i])
        assert torch.equal(sample.pred_score, sample.level_scores[level])
        assert sample.pred_label.item() == sample.pred_score.argmax()
    # The finest answer and the training are what they were.
    alone = head.predict((feature,))
    assert torch.equal(predicted[0].level_scores[0], alone[0].level_scores[0])
    assert combined.loss((feature,), given) == head.loss((feature,), given)


def test_marginal_answers_agree_with_the_finest(tree, feature, head):
    combined = HierarchicalHead(tree, FEATURES, combine='marginal')
    combined.load_state_dict(head.state_dict())
    for sample in combined.predict((feature,)):
        sums = sum_to_levels(sample.level_scores[0][None], tree)
        for own, expected in zip(sample.level_scores, sums, strict=True):
            torch.testing.assert_close(own, expected[0])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(combine='sum'), "combine is one of .*, but got 'sum'"),
        (dict(combine='product', level_weights=2), r'must be in \[0, 1\]'),
        (dict(combine='product', level_weights=(0, 1)), '2 values of weight'),
        (dict(combine='product', level_sharpness=0), 'must be over 0'),
    ],
)
def test_a_wrong_combination_is_refused_at_once(tree, options, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalHead(tree, FEATURES, **options)


def test_losses_of_all_levels_have_their_own_class_count(tree, feature):
    # mmpretrain's label smoothing remembers the first count it meets.
    loss = dict(type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1)
    head = HierarchicalHead(tree, FEATURES, loss=loss)
    losses = head.loss(
        (feature,), samples((0, 3), (1, 2), (2, 1), (0, 0), (1, 0))
    )
    assert len(losses) == 3


def test_one_level_is_a_plain_classifier(feature):
    tree = LabelTree(('class',), (['a', 'b'],), ())
    head = HierarchicalHead(tree, FEATURES)
    losses = head.loss((feature,), samples(*((0, 1),) * 5))
    expected = torch.nn.functional.cross_entropy(
        head((feature,)), torch.ones(5, dtype=torch.long)
    )
    torch.testing.assert_close(losses['loss_class'], expected)


def test_a_level_of_one_class_is_always_right(feature):
    head = HierarchicalHead(make_tree(families=1), FEATURES)
    losses = head.loss((feature,), samples(*((2, 0),) * 5))
    assert losses['loss_family'].item() == 0
    predicted = head.predict((feature,), samples(*((2, 0),) * 5))
    assert predicted[0].pred_score.tolist() == [1.0]


def test_the_finest_confident_level_answers(tree):
    head = HierarchicalHead(tree, 2, level_thresholds=(0.9, 0.8, 0.99))
    with torch.no_grad():
        for fc in head.fcs:
            fc.bias.zero_()
            fc.weight.zero_()
        head.fcs[0].weight[2, 0] = 10  # sure of s2 when x0 is large
        head.fcs[1].weight[1, 1] = 10  # sure of g1 when x1 is large
    answers = head.predict((torch.tensor([[1.0, 0], [0, 1], [0, 0]]),))
    assert [s.answer_level for s in answers] == [0, 1, -1]
    assert [s.answer_label for s in answers] == [2, 1, -1]
    assert answers[0].answer_score == pytest.approx(
        answers[0].level_scores[0].max().item()
    )
    assert answers[2].answer_score == 0


def test_without_thresholds_nothing_is_answered(head, feature):
    assert 'answer_level' not in head.predict((feature,))[0]


def test_one_threshold_a_level(tree):
    with pytest.raises(ValueError, match='2 entries, but the levels are spec'):
        HierarchicalHead(tree, FEATURES, level_thresholds=(0.5, 0.5))


def test_class_count_of_the_tree(tree):
    assert HierarchicalHead(tree, FEATURES, num_classes=4).num_classes == 4
    with pytest.raises(ValueError, match='hierarchical head has 7 classes'):
        HierarchicalHead(tree, FEATURES, num_classes=7)


@pytest.mark.parametrize('level', [3, -1])
def test_a_level_beyond_the_tree_is_named(head, feature, level):
    message = rf'has level {level}, but the levels are 0\.\.2 \(species, '
    given = samples(*((level, 0),) * 5)
    with pytest.raises(ValueError, match=message):
        head.loss((feature,), given)
    with pytest.raises(ValueError, match=message):
        head.predict((feature,), given)


def test_a_label_of_another_level_is_named(head, feature):
    given = samples((0, 3), (1, 3), (0, 0), (0, 0), (0, 0))
    given[1].set_field('bird.jpg', 'img_path', field_type='metainfo')
    message = "bird.jpg has gt_label 3, but level 'genus' has 3 classes"
    with pytest.raises(ValueError, match=message):
        head.loss((feature,), given)


def test_mixed_labels_are_refused(head, feature):
    mixed = [DataSample().set_gt_score(torch.ones(4)) for _ in range(5)]
    with pytest.raises(ValueError, match='one class per image'):
        head.loss((feature,), mixed)


def test_levels_of_the_data_are_compared(head):
    head.check_levels({})
    served = dict(
        levels=list(head.tree.levels),
        level_classes=[head.tree.names(i) for i in range(3)],
    )
    head.check_levels(served)
    served['level_classes'][1] = ['g0', 'g1']
    with pytest.raises(ValueError, match=r"'genus': 2.*'genus': 3.*same tree"):
        head.check_levels(served)


def test_the_tree_travels_with_the_weights(head, tree, feature, tmp_path):
    path = str(tmp_path / 'head.pth')
    save_checkpoint({'state_dict': head.state_dict()}, path)
    twin = HierarchicalHead(tree, FEATURES)
    load_checkpoint(twin, path, strict=True)
    assert torch.equal(twin((feature,)), head((feature,)))

    other = LabelTree(tree.levels, tree.class_names, ((0, 1, 1, 2), (0, 0, 1)))
    with pytest.raises(ValueError, match='not that of the hierarchical head'):
        load_checkpoint(HierarchicalHead(other, FEATURES), path)


def test_a_checkpoint_without_a_tree_loads(head, tree):
    state = head.state_dict()
    del state['tree_json']
    twin = HierarchicalHead(tree, FEATURES)
    twin.load_state_dict(state)
    assert torch.equal(twin.fcs[2].weight, head.fcs[2].weight)
    assert torch.equal(twin.tree_json, head.tree_json)


def test_is_built_from_a_config(tree):
    head = MODELS.build(
        dict(type='mmc2f.HierarchicalHead', tree=tree.to_dict(), in_channels=3)
    )
    assert [fc.out_features for fc in head.fcs] == [4, 3, 2]
    head.init_weights()
    assert head.fcs[2].bias.abs().max() == 0


def test_with_a_scale_all_levels_compare_directions(tree):
    """Logits are scale * cos(normalised feature, weight), loop by loop."""
    torch.manual_seed(0)
    head = HierarchicalHead(tree, FEATURES, scale=16.0).eval()
    head.norm.running_mean.normal_()
    head.norm.running_var.uniform_(0.5, 2.0)
    feature = torch.randn(5, FEATURES)
    mean, var = head.norm.running_mean, head.norm.running_var
    normal = (feature - mean) / (var + head.norm.eps).sqrt()
    torch.testing.assert_close(head.pre_logits((feature,)), normal)
    predictions = head.predict((feature,), [None] * 5)
    for level, fc in enumerate(head.fcs):
        for x, sample in zip(normal, predictions, strict=True):
            logits = torch.tensor(
                [16.0 * (x @ w) / (x.norm() * w.norm()) for w in fc.weight]
            )
            torch.testing.assert_close(
                sample.level_scores[level], logits.softmax(0)
            )


def test_a_scale_that_is_not_positive_is_refused(tree):
    with pytest.raises(ValueError, match='scale must be positive, got 0'):
        HierarchicalHead(tree, FEATURES, scale=0)
