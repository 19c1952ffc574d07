"""Predictions as lines of JSON."""

import json
import os

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmc2f.evaluation.metrics import PredictionWriter
from mmc2f.registry import METRICS

CLASSES = ('ant', 'bée', 'cat')


def sample(scores, label, path):
    """As CCFR without a re-ranker gives it."""
    sample = DataSample(metainfo={'img_path': path})
    sample.set_gt_label(label)
    sample.coarse_score = torch.tensor(scores)
    sample.set_pred_score(torch.tensor(scores))
    sample.embedding = torch.zeros(64)
    sample.regions = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    sample.region_scores = torch.tensor([0.5])
    return sample


SAMPLES = [
    sample([0.5, 0.25, 0.25], 1, 'a/0.png'),
    sample([0.0, 1.0, 0.0], 1, 'a/1.png'),
    sample([0.25, 0.0, 0.75], 0, 'a/2.png'),
]


def evaluate(writer, samples=SAMPLES, size=None, **meta):
    evaluator = Evaluator(writer)
    evaluator.dataset_meta = {'classes': CLASSES, **meta}
    for start in range(0, len(samples), 2):
        evaluator.process(samples[start : start + 2])
    return evaluator.evaluate(size or len(samples))


def read(path):
    with path.open(encoding='utf-8') as lines:
        return [json.loads(line) for line in lines]


def test_writes_a_line_for_each_image(tmp_path):
    path = tmp_path / 'new' / 'predictions.jsonl'
    assert evaluate(PredictionWriter(path)) == {'predictions/written': 3}
    records = read(path)
    assert [r['image'] for r in records] == ['a/0.png', 'a/1.png', 'a/2.png']
    assert [r['truth'] for r in records] == ['bée', 'bée', 'ant']
    assert records[2]['coarse'] == [
        {'class': 'cat', 'probability': 0.75},
        {'class': 'ant', 'probability': 0.25},
        {'class': 'bée', 'probability': 0.0},
    ]
    assert records[0]['regions'] == [
        {'box': [1.0, 2.0, 3.0, 4.0], 'score': 0.5}
    ]
    assert 'reranked' not in records[0]
    assert 'embedding' not in records[0]
    assert 'bée' in path.read_text(encoding='utf-8')


def test_neighbours_of_a_reranked_image(tmp_path):
    one = sample([0.5, 0.5, 0.0], 0, 'b.png')
    one.set_pred_score(torch.tensor([0.25, 0.5, 0.0]))
    one.neighbour_ids = ['train/3.png', None]
    one.neighbour_labels = torch.tensor([1, -1])
    one.neighbour_similarities = torch.tensor([0.75, 0.0])
    path = tmp_path / 'predictions.jsonl'
    evaluate(PredictionWriter(path), [one])
    (record,) = read(path)
    assert record['reranked'][0] == {'class': 'bée', 'score': 0.5}
    assert record['neighbours'] == [
        {'image': 'train/3.png', 'class': 'bée', 'similarity': 0.75}
    ]


def test_number_of_classes_is_chosen(tmp_path):
    path = tmp_path / 'predictions.jsonl'
    cfg = dict(type='mmc2f.PredictionWriter', path=str(path), topn=1)
    evaluate(METRICS.build(cfg))
    assert [len(r['coarse']) for r in read(path)] == [1, 1, 1]


def test_what_a_sampler_repeated_is_left_out(tmp_path):
    path = tmp_path / 'predictions.jsonl'
    assert evaluate(PredictionWriter(path), size=2)['predictions/written'] == 2
    assert [r['image'] for r in read(path)] == ['a/0.png', 'a/1.png']


def test_an_older_file_is_replaced(tmp_path):
    path = tmp_path / 'predictions.jsonl'
    evaluate(PredictionWriter(path))
    evaluate(PredictionWriter(path), SAMPLES[:1])
    assert len(read(path)) == 1


def test_every_view_of_an_image_has_a_line(tmp_path):
    high, low = (sample([0.5, 0.25, 0.25], 1, 'a/0.png') for _ in range(2))
    scores = [high.pred_score, torch.tensor([0.25, 0.75])]
    for level, view in enumerate((high, low)):
        name, resolution = [('high', None), ('low', 16)][level]
        view.set_metainfo(
            {'view': name, 'resolution': resolution, 'level': level}
        )
        view.set_field(scores, 'level_scores')
        view.set_field(scores[level], 'pred_score')
    path = tmp_path / 'predictions.jsonl'
    writer = PredictionWriter(path)
    meta = {'level_classes': [CLASSES, ['insect', 'mammal']]}
    assert evaluate(writer, [high, low], **meta) == {'predictions/written': 2}
    records = read(path)
    assert [r['truth'] for r in records] == ['bée', 'mammal']
    assert [r['coarse'][0]['class'] for r in records] == ['ant', 'mammal']
    assert [r['view'] for r in records] == ['high', 'low']
    assert [r['resolution'] for r in records] == [None, 16]
    assert [r['level'] for r in records] == [0, 1]


def test_nan_is_refused_at_once_and_keeps_the_old_file(tmp_path):
    path = tmp_path / 'predictions.jsonl'
    evaluate(PredictionWriter(path))
    before = path.read_bytes()
    diverged = sample([float('nan')] * 3, 1, 'a/3.png')
    with pytest.raises(ValueError, match=r'for a/3\.png holds NaN'):
        evaluate(PredictionWriter(path), [diverged])
    assert path.read_bytes() == before


def test_file_names_that_are_not_utf_8(tmp_path):
    name = os.fsdecode(b'a/caf\xe9.png')
    path = tmp_path / 'predictions.jsonl'
    evaluate(PredictionWriter(path), [sample([0.5, 0.25, 0.25], 1, name)])
    assert read(path)[0]['image'] == name


@pytest.mark.parametrize('meta', [None, {}])
def test_class_names_are_needed(tmp_path, meta):
    writer = PredictionWriter(tmp_path / 'predictions.jsonl')
    writer.dataset_meta = meta
    with pytest.raises(ValueError, match='the data set names no classes'):
        writer.process({}, [s.to_dict() for s in SAMPLES])
