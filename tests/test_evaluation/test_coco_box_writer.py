"""Boxes in COCO's format, read back as a reader of COCO does."""

import json

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.structures import DataSample

from mmc2f.evaluation.metrics import CocoBoxWriter
from mmc2f.registry import METRICS
from mmc2f.structures import predicted_boxes

CLASSES = ('ant', 'bée', 'cat')


def make_sample(name, label, shift=0.0, **meta):
    sample = DataSample(
        metainfo=dict(
            img_path=f'data/birds/{name}',
            ori_shape=(100, 200),
            img_shape=(40, 60),
            scale_factor=(0.5, 0.8),
            **meta,
        )
    )
    scores = torch.full((3,), 0.125)
    scores[label] = 0.75
    sample.set_pred_score(scores)
    sample.set_pred_label(label)
    boxes = [[10.0, 8.0, 30.0, 24.0], [-30.0, 0.0, 10.0, 80.0]]
    sample.regions = torch.tensor(boxes) + shift
    sample.region_scores = torch.tensor([0.0, -2.0])
    return sample


SAMPLES = [
    make_sample('a/0.png', 1),
    make_sample('a/1.png', 2, shift=3.0),
    make_sample('b/2.png', 1, shift=-1.0),
]


def write(writer, samples=SAMPLES, size=None, classes=CLASSES):
    evaluator = Evaluator(writer)
    evaluator.dataset_meta = {'classes': classes}
    for start in range(0, len(samples), 2):
        evaluator.process(samples[start : start + 2])
    return evaluator.evaluate(size or len(samples))


def read(path):
    meaning = path.with_name('boxes_images.json')
    return json.loads(path.read_text()), json.loads(meaning.read_text())


def test_boxes_by_hand(tmp_path):
    path = tmp_path / 'new' / 'boxes.json'
    writer = CocoBoxWriter(path, data_root='data/birds')
    assert write(writer) == {'coco/images': 3, 'coco/boxes': 6}
    boxes, meaning = read(path)
    assert boxes[0] == {
        'image_id': 1,
        'category_id': 2,
        'bbox': [60.0, 35.0, 40.0, 20.0],
        'score': 0.375,
    }
    # It reached out of the image on the left and below.
    assert boxes[1]['bbox'] == [0.0, 25.0, 60.0, 75.0]
    assert meaning['images'][2] == {
        'id': 3,
        'file_name': 'b/2.png',
        'width': 200,
        'height': 100,
    }
    assert [c['name'] for c in meaning['categories']] == list(CLASSES)
    assert 'bée' in writer.images_path.read_text(encoding='utf-8')


def test_ids_lead_back_to_every_prediction(tmp_path):
    path = tmp_path / 'boxes.json'
    write(METRICS.build(dict(type='mmc2f.CocoBoxWriter', path=str(path))))
    boxes, meaning = read(path)
    assert meaning['annotations'] == []
    images = {image['id']: image['file_name'] for image in meaning['images']}
    names = {c['id']: c['name'] for c in meaning['categories']}
    samples = {sample.img_path: sample for sample in SAMPLES}
    rows = {name: [] for name in samples}
    for box in boxes:
        rows[images[box['image_id']]].append(box)
    for name, sample in samples.items():
        expected = predicted_boxes(sample)
        (category,) = {names[box['category_id']] for box in rows[name]}
        assert category == CLASSES[int(sample.pred_label)]
        found = torch.tensor([box['bbox'] for box in rows[name]])
        found[:, 2:] += found[:, :2]
        torch.testing.assert_close(found, expected.bboxes, atol=0.02, rtol=0)
        assert [box['score'] for box in rows[name]] == pytest.approx(
            expected.scores.tolist(), abs=1e-6
        )


def test_first_view_counts_and_repeated_samples_do_not(tmp_path):
    path = tmp_path / 'boxes.json'
    views = [make_sample('0.png', 1, view=view) for view in ('high', 'low')]
    assert write(CocoBoxWriter(path), views)['coco/images'] == 1
    assert write(CocoBoxWriter(path), size=2)['coco/images'] == 2


@pytest.mark.mmdet
def test_pycocotools_which_mmdet_brings_loads_both_files(tmp_path):
    from pycocotools.coco import COCO

    path = tmp_path / 'boxes.json'
    writer = CocoBoxWriter(path)
    write(writer)
    results = COCO(str(writer.images_path)).loadRes(str(path))
    assert len(results.getAnnIds()) == 6
    assert results.getCatIds() == [1, 2, 3]


def test_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r'must end with \.json, got .*jsonl'):
        CocoBoxWriter(tmp_path / 'boxes.jsonl')
    with pytest.raises(ValueError, match='the data set names no classes'):
        write(CocoBoxWriter(tmp_path / 'boxes.json'), classes=())
    sample = make_sample('0.png', 1)
    del sample.regions
    with pytest.raises(ValueError, match=r"0\.png has no 'regions'"):
        write(CocoBoxWriter(tmp_path / 'boxes.json'), [sample])
