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


def test_class_names_of_another_model():
    with pytest.raises(ValueError, match='2 class names for 3'):
        prediction_record(make_sample(), CLASSES[:2])
