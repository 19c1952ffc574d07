"""Metric of answers as fine as can be trusted."""

import json
import math

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmc2f.evaluation import (
    FinestConfidentLevel,
    calibrate_level_thresholds,
    coverage_accuracy,
    finest_confident_level,
)
from mmc2f.evaluation.calibration_report import MOST_POINTS, TARGETS
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree

CLASSES = ['a', 'b', 'c', 'd']
TREE = LabelTree(['x', 'y'], [CLASSES, ['p', 'q']], [[0, 0, 1, 1]])
VIEWS = {'high': 2.0, 'low': 0.5}
NUM_IMAGES = 40


def make_samples(
    num_images=NUM_IMAGES, tree=TREE, paths=True, is_deceived=False
):
    """Two views of each image; in the lower one the model is less sure.

    Or, deceived, as sure as in the other, but wrong more often.
    """
    generator = torch.Generator().manual_seed(0)
    count = tree.num_classes()
    targets = torch.randint(count, (num_images,), generator=generator)
    samples = []
    for view, scale in VIEWS.items():
        for i, target in enumerate(targets.tolist()):
            meta = dict(view=view, level=0)
            if paths:
                meta['img_path'] = f'{i}.png'
            one = DataSample(metainfo=meta).set_gt_label(target)
            one.gt_label_levels = torch.stack(
                [tree.ancestors(level)[target] for level in tree.levels]
            )
            logits = torch.randn(count, generator=generator)
            logits[target] += 1
            if is_deceived:
                logits[target] += 1 if view == 'high' else -0.3
                scale = 2
            one.level_scores = [(logits * scale).softmax(dim=0)]
            for level in tree.levels[1:]:
                sums = torch.zeros(tree.num_classes(level))
                sums.index_add_(0, tree.ancestors(level), one.level_scores[0])
                one.level_scores.append(sums)
            samples.append(one)
    return samples


def evaluate(samples, tree=TREE, **options):
    evaluator = Evaluator(FinestConfidentLevel(tree, **options))
    evaluator.dataset_meta = {'classes': tree.names()}
    for start in range(0, len(samples), 8):
        evaluator.process(samples[start : start + 8])
    values = evaluator.evaluate(len(samples))
    assert all(isinstance(value, float) for value in values.values())
    return {name.removeprefix('finest/'): v for name, v in values.items()}


def columns(samples):
    """Confidence and rightness, ``(N, L)`` each."""
    confidence = torch.tensor(
        [[max(s.tolist()) for s in one.level_scores] for one in samples],
        dtype=torch.double,
    )
    correct = torch.tensor(
        [
            [
                scores.tolist().index(max(scores.tolist())) == target
                for scores, target in zip(
                    one.level_scores, one.gt_label_levels.tolist(), strict=True
                )
            ]
            for one in samples
        ]
    )
    return confidence, correct


def naive(samples, levels, correct, tree=TREE):
    """Measures of each view by loops over samples."""
    values = {}
    for view in (*VIEWS, 'overall'):
        rows = [
            i for i, s in enumerate(samples) if view in (s.view, 'overall')
        ]
        answers = [bool(correct[i, levels[i]]) for i in rows if levels[i] >= 0]
        values[f'{view}_coverage'] = 100 * len(answers) / len(rows)
        values[f'{view}_selective_accuracy'] = (
            100 * sum(answers) / len(answers) if answers else math.nan
        )
        for level, name in enumerate(tree.levels):
            count = sum(levels[i] == level for i in rows)
            values[f'{view}_{name}_share'] = 100 * count / len(rows)
    return values


def two_folds(samples, halves, target, **options):
    """Level of each sample, with the thresholds of the other half."""
    confidence, correct = columns(samples)
    levels = [None] * len(samples)
    for half in (0, 1):
        own = [i for i in range(len(samples)) if halves[i] == half]
        other = [i for i in range(len(samples)) if halves[i] != half]
        thresholds = calibrate_level_thresholds(
            confidence[other], correct[other], target, **options
        )
        answered = finest_confident_level(confidence[own], thresholds)
        for i, level in zip(own, answered.tolist(), strict=True):
            levels[i] = level
    return levels, correct


@pytest.mark.parametrize('paths', [True, False])
def test_two_folds_equal_loops(paths):
    samples = make_samples(paths=paths)
    names = sorted(f'{i}.png' for i in range(NUM_IMAGES))
    place = {name: i for i, name in enumerate(names)}
    halves = [
        (place[f'{i % NUM_IMAGES}.png'] if paths else i % NUM_IMAGES) % 2
        for i in range(len(samples))
    ]
    levels, correct = two_folds(samples, halves, 0.7, min_accepted=5)
    values = evaluate(samples, target=0.7, min_accepted=5)
    assert values == pytest.approx(
        naive(samples, levels, correct), nan_ok=True
    )
    assert 0 < values['low_coverage'] < values['high_coverage']
    assert values['overall_y_share'] > 0


def test_order_of_the_samples_is_no_matter():
    samples = make_samples()
    values = evaluate(samples, target=0.7)
    assert evaluate(samples[::-1], target=0.7) == pytest.approx(values)


def test_thresholds_of_other_data():
    samples = make_samples()
    confidence, correct = columns(samples)
    levels = finest_confident_level(confidence, [0.8, 0.9]).tolist()
    values = evaluate(samples, thresholds=(0.8, 0.9))
    assert values == pytest.approx(
        naive(samples, levels, correct), nan_ok=True
    )
    # One image is enough, and None is a level that never answers.
    values = evaluate(samples[:1], thresholds=(None, 0.0))
    assert values['high_y_share'] == 100
    assert values['high_x_share'] == 0


def test_no_answer_has_no_accuracy():
    values = evaluate(make_samples(), thresholds=(None, None))
    assert math.isnan(values['overall_selective_accuracy'])
    assert values['overall_coverage'] == 0


def test_no_mistake():
    samples = make_samples()
    for one in samples:
        one.level_scores = [
            torch.eye(count)[int(target)]
            for count, target in zip((4, 2), one.gt_label_levels, strict=True)
        ]
    values = evaluate(samples, target=1.0)
    assert values['overall_x_share'] == 100
    assert values['overall_selective_accuracy'] == 100


@pytest.mark.parametrize(
    'tree',
    [
        LabelTree(['x'], [CLASSES], []),
        LabelTree(['x', 'any'], [CLASSES, ['all']], [[0, 0, 0, 0]]),
    ],
)
def test_small_trees(tree, tmp_path):
    path = tmp_path / 'levels.json'
    samples = make_samples(tree=tree)
    values = evaluate(samples, tree, target=0.7, min_accepted=1, path=path)
    assert 0 < values['overall_x_share'] < 100
    # That an image is of any class at all is always right.
    expected = 100 if tree.num_levels == 2 else values['overall_x_share']
    assert values['overall_coverage'] == expected
    assert len(json.loads(path.read_text())['level_thresholds']) == len(
        tree.levels
    )


def test_target_in_each_view(tmp_path):
    path = tmp_path / 'levels.json'
    samples = make_samples(num_images=400, is_deceived=True)
    confidence, correct = columns(samples)
    views = torch.tensor([list(VIEWS).index(s.view) for s in samples])
    values = evaluate(samples, target=0.75, each_view=True, path=path)
    report = json.loads(path.read_text())
    thresholds = calibrate_level_thresholds(
        confidence, correct, 0.75, 10, groups=views
    )
    assert report['level_thresholds'] == thresholds.tolist()
    assert report['each_view']
    pooled = evaluate(samples, target=0.75)
    # All together reach the target, but in the lower view they do not.
    assert pooled['low_selective_accuracy'] < 70
    assert pooled['overall_selective_accuracy'] > 70
    assert values['low_selective_accuracy'] > 70
    assert values['low_x_share'] < pooled['low_x_share']


def test_file_holds_the_calibration(tmp_path):
    path = tmp_path / 'new' / 'levels.json'
    samples = make_samples()
    values = evaluate(samples, target=0.7, min_accepted=5, path=path)
    confidence, correct = columns(samples)
    report = json.loads(path.read_text(encoding='utf-8'))
    thresholds = calibrate_level_thresholds(confidence, correct, 0.7, 5)
    assert report['level_thresholds'] == thresholds.tolist()
    assert report['levels'] == ['x', 'y']
    assert (report['target'], report['images']) == (0.7, NUM_IMAGES)
    assert report['is_calibrated']
    assert report['measured'] == values
    coverage, accuracy = coverage_accuracy(confidence[:, 1], correct[:, 1])
    assert report['curves']['y'] == {
        'coverage': coverage.tolist(),
        'accuracy': accuracy.tolist(),
    }
    rule = report['rule']
    place = rule['target'].index(0.7)
    assert 100 * rule['coverage'][place] == values['overall_coverage']
    accuracy = 100 * rule['accuracy'][place]
    assert accuracy == values['overall_selective_accuracy']
    assert set(rule['target']) <= set(TARGETS)


def test_file_of_given_thresholds_that_never_answer(tmp_path):
    path = tmp_path / 'levels.json'
    evaluate(make_samples(), thresholds=(math.inf, None), path=path)
    text = path.read_text()
    assert 'NaN' not in text and 'Infinity' not in text
    report = json.loads(text)
    assert report['level_thresholds'] == [None, None]
    assert report['measured']['overall_selective_accuracy'] is None
    assert not report['is_calibrated'] and 'rule' not in report


def test_long_curves_are_thinned_with_both_ends(tmp_path):
    path = tmp_path / 'levels.json'
    samples = make_samples(num_images=150)
    evaluate(samples, path=path)
    curve = json.loads(path.read_text())['curves']['x']
    coverage, accuracy = coverage_accuracy(
        *(column[:, 0] for column in columns(samples))
    )
    assert len(curve['coverage']) == MOST_POINTS < len(coverage)
    for end in (0, -1):
        assert curve['coverage'][end] == coverage[end]
        assert curve['accuracy'][end] == accuracy[end]


def test_built_from_a_config():
    metric = METRICS.build(
        dict(type='mmc2f.FinestConfidentLevel', tree='cub', target=0.8)
    )
    assert (metric.prefix, metric.target) == ('finest', 0.8)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(thresholds=(0.5,)), '1 thresholds for the levels x, y'),
        (dict(target=90), 'target is a share, .* got 90'),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        FinestConfidentLevel(TREE, **options)


def test_one_image_cannot_be_calibrated_on():
    samples = [s for s in make_samples() if s.img_path == '3.png']
    with pytest.raises(ValueError, match='one image alone'):
        evaluate(samples)


def test_views_of_different_length_need_paths():
    with pytest.raises(ValueError, match=r"'high': 40, 'low': 39.*img_path"):
        evaluate(make_samples(paths=False)[:-1])


def test_no_sample():
    with pytest.raises(ValueError, match='Level got no prediction'):
        FinestConfidentLevel(TREE).compute_metrics([])
