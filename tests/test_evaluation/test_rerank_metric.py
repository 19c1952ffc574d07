"""The metric over data samples, as the test loop calls it."""

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmc2f.evaluation.functional import rerank_accuracy
from mmc2f.evaluation.metrics import ReRankMetric
from mmc2f.registry import METRICS

CLASSES = ['a', 'b', 'c', 'd']
TREE = {
    'levels': ['species', 'genus'],
    'classes': [CLASSES, ['x', 'y']],
    'parents': [[0, 0, 1, 1]],
}


def make_columns(num_images=9):
    generator = torch.Generator().manual_seed(0)
    columns = {
        name: torch.rand(num_images, 4, generator=generator)
        for name in ('coarse', 'retrieval', 'reranked')
    }
    columns['labels'] = torch.randint(0, 4, (num_images,), generator=generator)
    return columns


def make_samples(columns, is_reranked=True):
    samples = []
    for i, label in enumerate(columns['labels']):
        sample = DataSample().set_gt_label(label)
        sample.set_field(columns['coarse'][i], 'coarse_score')
        sample.set_pred_score(columns['coarse'][i])
        if is_reranked:
            sample.set_pred_score(columns['reranked'][i])
            sample.set_field(columns['retrieval'][i], 'retrieval_score')
        samples.append(sample)
    return samples


def evaluate(metric, samples):
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = {'classes': CLASSES}
    for start in range(0, len(samples), 4):
        evaluator.process(samples[start : start + 4])
    values = evaluator.evaluate(len(samples))
    assert all(name.startswith('rerank/') for name in values)
    return {name.removeprefix('rerank/'): v for name, v in values.items()}


def test_equals_pure_function():
    columns = make_columns()
    metric = ReRankMetric(tree=TREE)
    values = evaluate(metric, make_samples(columns))
    assert values == rerank_accuracy(**columns, tree=metric.tree)
    assert 'rerank_genus_top1' in values and 'mended' in values


def test_without_reranking_only_coarse():
    columns = make_columns()
    values = evaluate(ReRankMetric(), make_samples(columns, is_reranked=False))
    assert values == rerank_accuracy(columns['labels'], columns['coarse'])


def test_plain_classifier_is_judged_by_its_softmax():
    columns = make_columns()
    samples = make_samples(columns, is_reranked=False)
    for sample in samples:
        del sample.coarse_score
    values = evaluate(ReRankMetric(), samples)
    assert values == rerank_accuracy(columns['labels'], columns['coarse'])


def test_neighbours_alone_tell_of_reranking():
    columns = make_columns()
    samples = make_samples(columns)
    for sample in samples:
        del sample.retrieval_score
        sample.set_field(torch.zeros(2), 'neighbour_labels')
    values = evaluate(ReRankMetric(), samples)
    del columns['retrieval']
    assert values == rerank_accuracy(**columns)


def test_part_of_the_samples_reranked():
    samples = make_samples(make_columns())
    del samples[3].retrieval_score
    with pytest.raises(ValueError, match='Only part'):
        evaluate(ReRankMetric(), samples)


def make_views(columns, views):
    """Samples of each view ``(name, level)``, whose scores differ."""
    samples = []
    for shift, (name, level) in enumerate(views):
        shifted = {key: c.roll(shift, 0) for key, c in columns.items()}
        shifted['labels'] = columns['labels']
        for sample in make_samples(shifted, is_reranked=level == 0):
            sample.set_metainfo({'view': name, 'level': level})
            samples.append(sample)
    return samples


def test_only_the_first_view_at_the_finest_level_counts():
    columns = make_columns()
    expected = rerank_accuracy(**columns)
    views = [('high', 0), ('medium', 1), ('again', 0)]
    samples = make_views(columns, views)
    assert evaluate(ReRankMetric(), samples) == expected
    coarse_first = [*samples[9:18], *samples[:9], *samples[18:]]
    assert evaluate(ReRankMetric(), coarse_first) == expected
    assert evaluate(ReRankMetric(), samples[9:]) != expected


def test_views_without_the_finest_level():
    samples = make_views(make_columns(), [('low', 1)])
    with pytest.raises(ValueError, match=r'finest level among 9: .* no view'):
        evaluate(ReRankMetric(), samples)


def test_repeated_images_are_left_out_whatever_the_level(monkeypatch):
    """Two ranks share 9 images in two views; none takes part twice."""
    columns = make_columns()
    samples = make_views(columns, [('high', 0), ('low', 1)])[:17]
    # An odd number, so the sampler gives the last rank the first image too.
    dealt = [*samples, samples[0]]
    shares = []
    for rank in range(2):
        metric = ReRankMetric()
        metric.process({}, [s.to_dict() for s in dealt[rank::2]])
        shares.append(metric.results)
    metric = ReRankMetric()
    metric.results = shares[0]
    monkeypatch.setattr(
        'mmengine.evaluator.metric.collect_results',
        lambda results, size, *args, **kwargs: [
            result for pair in zip(*shares, strict=True) for result in pair
        ][:size],
    )
    values = metric.evaluate(len(samples))
    expected = rerank_accuracy(**columns)
    assert values == {f'rerank/{name}': v for name, v in expected.items()}


@pytest.mark.parametrize('field', ['gt_label', 'pred_score'])
def test_missing_field_is_named(field):
    samples = make_samples(make_columns())
    delattr(samples[0], field)
    with pytest.raises(ValueError, match=f'no {field!r}'):
        evaluate(ReRankMetric(), samples)


def test_no_prediction():
    with pytest.raises(ValueError, match='no prediction'):
        ReRankMetric().compute_metrics([])


def test_tree_must_have_the_classes_of_the_dataset():
    metric = ReRankMetric(tree=TREE)
    with pytest.raises(ValueError, match='the dataset'):
        metric.dataset_meta = {'classes': CLASSES[:3]}


def test_builds_from_config():
    metric = METRICS.build({'type': 'mmc2f.ReRankMetric', 'tree': 'fonts'})
    assert metric.tree.num_levels > 1
    assert metric.prefix == 'rerank'
