"""Metric that finds how to combine levels, against the pure function."""

import json

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmc2f.evaluation import LevelCombination, calibrate_level_weights
from mmc2f.registry import METRICS
from mmc2f.structures import LabelTree

TREE = LabelTree(['x', 'y'], [list('abcd'), ['p', 'q']], [[0, 0, 1, 1]])
NUM_IMAGES = 30


def make_samples(knows_groups=1.0):
    generator = torch.Generator().manual_seed(0)
    samples, logits = [], []
    for i in range(2 * NUM_IMAGES):
        target = i % 4
        meta = dict(level=i % 2, img_path=f'{i}.png')
        one = DataSample(metainfo=meta).set_gt_label(target)
        one.gt_label_levels = torch.tensor([target, target // 2])
        z = [torch.randn(n, generator=generator) for n in (4, 2)]
        z[0][target] += 1
        z[1][target // 2] += knows_groups
        one.level_scores = [own.softmax(dim=0) for own in z]
        samples.append(one)
        logits.append(z)
    return samples, [torch.stack(own) for own in zip(*logits, strict=True)]


def evaluate(samples, **options):
    evaluator = Evaluator(LevelCombination(TREE, **options))
    evaluator.dataset_meta = {'classes': TREE.names()}
    for start in range(0, len(samples), 8):
        evaluator.process(samples[start : start + 8])
    return evaluator.evaluate(len(samples))


def test_agrees_with_the_function(tmp_path):
    samples, logits = make_samples()
    targets = torch.stack([s.gt_label_levels for s in samples])
    asked = torch.tensor([s.level for s in samples])
    choice = calibrate_level_weights(logits, targets, TREE, asked)[1]
    path = tmp_path / 'new' / 'combination.json'
    values = evaluate(samples, path=path)
    assert values == {
        'combination/y_own_top1': choice.own,
        'combination/y_implied_top1': choice.implied,
        'combination/y_marginal_top1': choice.marginal,
        'combination/y_combined_top1': choice.accuracy,
    }
    report = json.loads(path.read_text())
    assert report['levels'] == ['x', 'y']
    assert report['level_weights'] == [1.0, choice.weight]
    assert report['choices'][1]['images'] == NUM_IMAGES == choice.images


def test_infinity_is_written_as_json_can(tmp_path):
    """Only the class of the finest answer is always right."""
    samples = []
    for truth in (0, 2):
        one = DataSample(metainfo=dict(level=1)).set_gt_label(truth)
        one.gt_label_levels = torch.tensor([truth, truth // 2])
        own = torch.full((4,), 0.04)
        own[truth] = 0.36
        # The other group has more in all, in near equal parts.
        other = [2, 3] if truth == 0 else [0, 1]
        own[other] = 0.3
        wrong = torch.tensor([0.4, 0.6])
        one.level_scores = [own, wrong if truth == 0 else 1 - wrong]
        samples.append(one)
    path = tmp_path / 'combination.json'
    values = evaluate(samples, path=path)
    assert values['combination/y_marginal_top1'] == 0
    assert values['combination/y_implied_top1'] == 100
    assert values['combination/y_combined_top1'] == 100
    sharpness = json.loads(path.read_text())['level_sharpness'][1]
    assert sharpness == 'inf' or sharpness > 1


def test_probabilities_of_0_are_no_nan():
    samples, _ = make_samples()
    for sample in samples:
        sample.level_scores = [
            torch.nn.functional.one_hot(s.argmax(), len(s)).float()
            for s in sample.level_scores
        ]
    values = evaluate(samples)
    assert all(0 <= value <= 100 for value in values.values())


def test_is_registered_and_refuses_nothing():
    metric = METRICS.build(
        dict(type='mmc2f.LevelCombination', tree=TREE.to_dict())
    )
    with pytest.raises(ValueError, match='is the test set empty'):
        metric.compute_metrics([])
