"""Accuracy, consistency and distance of every resolution."""

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmc2f.evaluation import level_consistency, sum_to_levels
from mmc2f.evaluation.metrics import MultiResolutionMetric
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree

CLASSES = [list('abcde'), list('pqr'), list('st')]
TREE = LabelTree(['x', 'y', 'z'], CLASSES, [[0, 0, 1, 2, 2], [1, 0, 0]])
META = {
    'classes': CLASSES[0],
    'levels': ['x', 'y', 'z'],
    'level_classes': CLASSES,
    'views': ['high', 'low'],
}


def one_hot(index, count):
    return torch.eye(count)[index]


def sample(predicted, finest, view='high', level=0, tree=TREE, path='a/0.png'):
    """As a hierarchical head gives it: a class predicted at each level."""
    sample = DataSample(
        metainfo=dict(view=view, level=level, img_path=path, resolution=None)
    )
    sample.gt_label_levels = torch.tensor(
        [int(tree.ancestors(i)[finest]) for i in range(tree.num_levels)]
    )
    sample.set_gt_label(int(sample.gt_label_levels[level]))
    sample.level_scores = [
        one_hot(c, tree.num_classes(i)) for i, c in enumerate(predicted)
    ]
    sample.pred_score = sample.level_scores[level]
    return sample


def evaluate(samples, metric=None, meta=META):
    evaluator = Evaluator(metric or MultiResolutionMetric(TREE))
    evaluator.dataset_meta = meta
    for start in range(0, len(samples), 2):
        evaluator.process(samples[start : start + 2])
    values = evaluator.evaluate(len(samples))
    assert all(isinstance(value, float) for value in values.values())
    return {name.removeprefix('levels/'): v for name, v in values.items()}


def test_by_hand():
    values = evaluate(
        [
            # Right all along; wrong within the genus, which is right.
            sample([0, 0, 1], 0),
            sample([1, 0, 1], 0),
            # Right species in a wrong genus; wrong in everything.
            sample([2, 0, 0], 2),
            sample([0, 0, 1], 4),
            # Wrong within the genus alone.
            sample([3, 2, 0], 4, 'low', 2),
        ]
    )
    assert values == {
        'high_x_top1': 50,
        'high_y_top1': 50,
        'high_z_top1': 75,
        'high_consistency': 75,
        'high_distance': 2,
        'high_y_implied_top1': 75,
        'high_z_implied_top1': 75,
        'low_x_top1': 0,
        'low_y_top1': 100,
        'low_z_top1': 100,
        'low_consistency': 100,
        'low_distance': 1,
        'low_y_implied_top1': 100,
        'low_z_implied_top1': 100,
    }


def naive(samples, tree):
    """Accuracies of each view by loops over data samples."""
    values = {}
    for view in ('high', 'medium', 'low'):
        own = [s for s in samples if s.view == view]
        for level, name in enumerate(tree.levels):
            hits = [
                s.level_scores[level]
                .tolist()
                .index(max(s.level_scores[level].tolist()))
                == int(s.gt_label_levels[level])
                for s in own
            ]
            values[f'{view}_{name}_top1'] = 100 * sum(hits) / len(hits)
            if level:
                implied = [
                    int(
                        tree.ancestors(level)[
                            s.level_scores[0]
                            .tolist()
                            .index(max(s.level_scores[0].tolist()))
                        ]
                    )
                    == int(s.gt_label_levels[level])
                    for s in own
                ]
                values[f'{view}_{name}_implied_top1'] = (
                    100 * sum(implied) / len(implied)
                )
    return values


def test_equals_loops():
    generator = torch.Generator().manual_seed(0)
    samples = []
    for i in range(60):
        finest = int(torch.randint(5, (), generator=generator))
        one = sample([0, 0, 0], finest, ('high', 'medium', 'low')[i % 3])
        one.level_scores = [
            torch.rand(len(names), generator=generator).mul(4).round()
            for names in CLASSES
        ]
        samples.append(one)
    values = evaluate(samples)
    expected = naive(samples, TREE)
    assert {k: values[k] for k in expected} == pytest.approx(expected)
    assert list(values)[:5] == [
        *('high_x_top1', 'high_y_top1', 'high_z_top1'),
        *('high_consistency', 'high_distance'),
    ]


@pytest.mark.parametrize('field', ['pred_score', 'coarse_score'])
def test_plain_head_is_judged_by_sums(field):
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(12, 5, generator=generator).softmax(dim=1)
    targets = torch.randint(5, (12,), generator=generator)
    samples = []
    for row, target in zip(scores, targets, strict=True):
        one = DataSample().set_gt_label(target)
        if field == 'coarse_score':
            # Re-ranked, which the sums must not see.
            one.pred_score = torch.full((5,), -2.0)
        one.set_field(row, field)
        samples.append(one)
    values = evaluate(samples, meta={'classes': CLASSES[0]})
    predicted = torch.stack(
        [level.argmax(dim=1) for level in sum_to_levels(scores, TREE)], dim=1
    )
    for level, name in enumerate(TREE.levels):
        right = predicted[:, level] == TREE.ancestors(level)[targets]
        assert values[f'original_{name}_top1'] == pytest.approx(
            100 * right.double().mean().item()
        )
    assert values['original_consistency'] == pytest.approx(
        level_consistency(predicted, TREE)
    )


def test_no_mistake_is_no_distance():
    values = evaluate([sample([0, 0, 1], 0), sample([2, 1, 0], 2)])
    assert values['high_x_top1'] == values['high_consistency'] == 100
    assert values['high_distance'] == 0


def test_of_equal_scores_the_first_class_counts():
    one = sample([0, 0, 1], 0)
    one.level_scores = [torch.ones(n) / n for n in (5, 3, 2)]
    values = evaluate([one])
    assert values['high_x_top1'] == values['high_y_top1'] == 100
    assert values['high_z_top1'] == 0


@pytest.mark.parametrize(
    ('tree', 'predicted'),
    [
        (LabelTree(['x'], [list('abc')], []), [[0], [1]]),
        (
            LabelTree(['x', 'all'], [list('abc'), ['any']], [[0, 0, 0]]),
            [[0, 0], [1, 0]],
        ),
    ],
)
def test_small_trees(tree, predicted):
    metric = MultiResolutionMetric(tree)
    samples = [sample(classes, 1, tree=tree) for classes in predicted]
    values = evaluate(samples, metric, {'classes': list('abc')})
    assert values['high_x_top1'] == 50
    assert values['high_consistency'] == 100
    assert values['high_distance'] == 1
    assert values.get('high_all_top1', 100) == 100


def test_table_is_logged(monkeypatch):
    lines = []
    monkeypatch.setattr(
        'mmc2f.evaluation.metrics.multi_resolution_metric.print_log',
        lambda text, logger: lines.extend(text.splitlines()),
    )
    evaluate([sample([0, 0, 1], 0), sample([3, 2, 0], 4, 'low', 2)])
    (high,) = [line for line in lines if 'high' in line]
    (low,) = [line for line in lines if 'low' in line]
    assert high.split() == [
        *('│', 'high', '│', '*100.00', '│', '100.00', '│', '100.00'),
        *('│', '100.00', '│', '0.00', '│', '100.00', '│', '100.00', '│'),
    ]
    assert any('y implied' in line for line in lines)
    assert low.split()[3:8] == ['0.00', '│', '100.00', '│', '*100.00']


def test_built_from_a_config_with_a_prefix():
    metric = METRICS.build(
        dict(type='mmc2f.MultiResolutionMetric', tree='cub', prefix='own')
    )
    assert metric.prefix == 'own'
    assert metric.tree.num_levels == 3


@pytest.mark.parametrize(
    ('meta', 'message'),
    [
        ({'classes': list('abcd')}, 'the dataset has 4 classes'),
        ({'classes': list('bacde')}, "class 0 is 'b' in the dataset"),
        (dict(META, levels=['x', 'z', 'y']), r"levels \['x', 'z', 'y'\], but"),
        ({'level_classes': CLASSES[:2]}, 'has the levels 2, but'),
        (
            {'level_classes': [CLASSES[0], ['q', 'p', 'r'], CLASSES[2]]},
            "level 'y' are not the same .* another order",
        ),
        (
            {'level_classes': [CLASSES[0], CLASSES[1], ['s']]},
            r"level 'z' are not the same in the dataset \(1\)",
        ),
    ],
)
def test_dataset_of_other_classes(meta, message):
    with pytest.raises(ValueError, match=message):
        MultiResolutionMetric(TREE).dataset_meta = meta


def test_dataset_without_metainfo_is_taken():
    metric = MultiResolutionMetric(TREE)
    metric.dataset_meta = None
    metric.dataset_meta = META
    assert metric.dataset_meta == META


def broken(**changes):
    one = sample([0, 0, 1], 0)
    for name, value in changes.items():
        if value is None:
            one.pop(name)
        else:
            one.set_field(value, name)
    return one


@pytest.mark.parametrize(
    ('one', 'message'),
    [
        (
            broken(level_scores=None, pred_score=None),
            'image a/0.png has none of level_scores, coarse_score and pred',
        ),
        (
            broken(level_scores=[torch.zeros(5)]),
            'level_scores of 1 levels, but .* are x, y, z',
        ),
        (
            broken(level_scores=[torch.zeros(n) for n in (5, 2, 2)]),
            r"a/0.png: scores of level 'y' must be \(N, 3\)",
        ),
        (
            broken(
                level_scores=[
                    torch.zeros(5),
                    torch.tensor([0.0, float('nan'), 0.0]),
                    torch.zeros(2),
                ]
            ),
            'a/0.png: scores of 1 of 1 images are NaN',
        ),
        (
            broken(gt_label_levels=None, gt_label=None),
            r'no gt_label_levels; .*algorithm_keys=\["gt_label_levels"\]',
        ),
        (
            broken(gt_label_levels=torch.tensor([0, 1, 1])),
            r'gt_label_levels \[0, 1, 1\], but class 0 .* is \[0, 0, 1\]',
        ),
        (
            broken(gt_label_levels=torch.tensor([0, 0])),
            r'gt_label_levels \[0, 0\], but',
        ),
        (
            broken(gt_label_levels=torch.tensor([5, 0, 0])),
            "has class 5, but level 'x' has 5",
        ),
        (
            broken(gt_label_levels=torch.tensor([]).long()),
            'has class -1',
        ),
    ],
)
def test_broken_samples(one, message):
    with pytest.raises(ValueError, match=message):
        MultiResolutionMetric(TREE).process({}, [one.to_dict()])


def test_coarse_sample_needs_all_labels():
    one = sample([0, 0, 1], 0, 'low', 2)
    del one.gt_label_levels
    with pytest.raises(ValueError, match='no gt_label_levels'):
        MultiResolutionMetric(TREE).process({}, [one.to_dict()])


def test_sample_without_path():
    one = DataSample().set_pred_score(torch.zeros(4)).set_gt_label(0)
    with pytest.raises(ValueError, match='a data sample: scores of level'):
        MultiResolutionMetric(TREE).process({}, [one.to_dict()])


def test_no_sample():
    with pytest.raises(ValueError, match='Metric got no prediction'):
        MultiResolutionMetric(TREE).compute_metrics([])
