"""A prediction as a line of JSON."""

import json

import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.retrieval import prediction_record

CLASSES = ['ant', 'bee', 'cat']


def make_sample():
    sample = DataSample(metainfo={'img_path': 'query.jpg'}).set_gt_label(2)
    sample.set_field(torch.tensor([0.25, 0.5, 0.25]), 'coarse_score')
    sample.set_pred_score(torch.tensor([0.0, 0.125, 0.875]))
    ids = ['images/1.jpg', 'images/0.jpg', None]
    sample.set_field(ids, 'neighbour_ids')
    sample.set_field(torch.tensor([2, 1, -1]), 'neighbour_labels')
    similarities = torch.tensor([0.75, 0.5, float('-inf')])
    sample.set_field(similarities, 'neighbour_similarities')
    sample.set_field(torch.tensor([[0.0, 1.0, 2.0, 3.0]]), 'regions')
    sample.set_field(torch.tensor([0.5]), 'region_scores')
    return sample


def test_holds_what_the_prediction_rests_on():
    record = prediction_record(make_sample(), CLASSES, topn=2)
    assert json.loads(json.dumps(record, allow_nan=False)) == {
        'image': 'query.jpg',
        'truth': 'cat',
        'coarse': [
            {'class': 'bee', 'probability': 0.5},
            {'class': 'ant', 'probability': 0.25},
        ],
        'reranked': [
            {'class': 'cat', 'score': 0.875},
            {'class': 'bee', 'score': 0.125},
        ],
        'neighbours': [
            {'image': 'images/1.jpg', 'class': 'cat', 'similarity': 0.75},
            {'image': 'images/0.jpg', 'class': 'bee', 'similarity': 0.5},
        ],
        'regions': [{'box': [0.0, 1.0, 2.0, 3.0], 'score': 0.5}],
    }


def test_plain_prediction():
    sample = DataSample().set_pred_score(torch.tensor([0.25, 0.75, 0.0]))
    assert prediction_record(sample, CLASSES, topn=9) == {
        'image': None,
        'truth': None,
        'coarse': [
            {'class': 'bee', 'probability': 0.75},
            {'class': 'ant', 'probability': 0.25},
            {'class': 'cat', 'probability': 0.0},
        ],
    }


def test_regions_without_scores():
    sample = make_sample()
    del sample.region_scores
    record = prediction_record(sample, CLASSES)
    assert record['regions'] == [{'box': [0.0, 1.0, 2.0, 3.0], 'score': None}]


LEVELS = (CLASSES, ['insect', 'mammal'])


def make_view(level, **fields):
    sample = DataSample(
        metainfo={'view': 'medium', 'resolution': 80, 'level': level}
    )
    sample.set_gt_label([2, 1][level])
    sample.set_field(torch.tensor([2, 1]), 'gt_label_levels')
    fine, coarse = torch.tensor([0.25, 0.5, 0.25]), torch.tensor([0.75, 0.25])
    sample.set_field(fine, 'coarse_score')
    sample.set_field([fine, coarse], 'level_scores')
    sample.set_pred_score([fine, coarse][level])
    for name, value in fields.items():
        sample.set_field(value, name)
    return sample


def test_coarser_level_is_named_by_its_own_classes():
    record = prediction_record(make_view(1), CLASSES, 5, LEVELS)
    assert json.loads(json.dumps(record)) == {
        'image': None,
        'truth': 'mammal',
        'coarse': [
            {'class': 'insect', 'probability': 0.75},
            {'class': 'mammal', 'probability': 0.25},
        ],
        'view': 'medium',
        'resolution': 80,
        'level': 1,
    }


def test_finest_level_of_a_view():
    sample = make_view(0)
    sample.set_metainfo({'view': 'high', 'resolution': None})
    record = prediction_record(sample, CLASSES, 1, LEVELS)
    assert record == {
        'image': None,
        'truth': 'cat',
        'coarse': [{'class': 'bee', 'probability': 0.5}],
        'view': 'high',
        'resolution': None,
        'level': 0,
    }


def test_reranked_view_shows_both_scores():
    reranked = make_sample()
    reranked.set_metainfo({'view': 'high', 'level': 0})
    reranked.set_field(make_view(0).level_scores, 'level_scores')
    record = prediction_record(reranked, CLASSES, 1, LEVELS)
    assert record['coarse'] == [{'class': 'bee', 'probability': 0.5}]
    assert record['reranked'] == [{'class': 'cat', 'score': 0.875}]
    assert record['neighbours'][0]['class'] == 'cat'


def test_model_of_the_finest_level_alone_is_compared_there():
    sample = make_view(1)
    del sample.level_scores
    sample.set_field(sample.coarse_score, 'pred_score')
    record = prediction_record(sample, CLASSES, 1, LEVELS)
    assert record['truth'] == 'cat'
    assert record['coarse'] == [{'class': 'bee', 'probability': 0.5}]
    assert (record['view'], record['level']) == ('medium', 0)
    del sample.gt_label_levels
    with pytest.raises(ValueError, match=r'level 0, .* level 1: .*PackInputs'):
        prediction_record(sample, CLASSES, 1, LEVELS)
    del sample.gt_label
    assert prediction_record(sample, CLASSES)['truth'] is None


@pytest.mark.parametrize('level_classes', [None, LEVELS[:1]])
def test_level_without_names(level_classes):
    with pytest.raises(ValueError, match='level 1, whose classes have no'):
        prediction_record(make_view(1), CLASSES, 5, level_classes)


def test_class_names_of_another_model():
    with pytest.raises(ValueError, match='2 class names for 3'):
        prediction_record(make_sample(), CLASSES[:2])
