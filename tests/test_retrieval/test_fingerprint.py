"""What changes a fingerprint and what does not."""

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmc2f.retrieval import fingerprint
from mmc2f.retrieval.fingerprint import model_fingerprint

PIPELINE = [
    {'type': 'LoadImageFromFile', 'backend_args': None},
    {'type': 'Resize', 'scale': (448, 448)},
    {'type': 'mmc2f.AddHierarchyLabels', 'tree': '/somewhere/tree.csv'},
    {'type': 'PackInputs'},
]
CLASSES = ['ant', 'bee']


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def test_same_things_give_the_same_digests():
    first = fingerprint(make_model(), PIPELINE, CLASSES)
    assert first == fingerprint(make_model(), PIPELINE, CLASSES)
    assert set(first) == {'weights', 'pipeline', 'classes'}
    assert all(len(digest) == 64 for digest in first.values())


def change_value(model):
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] += 1e-3


def change_buffer(model):
    model[1].num_batches_tracked += 1


def change_dtype(model):
    model.to(torch.bfloat16)


def change_shape(model):
    model[0].weight = nn.Parameter(model[0].weight.reshape(4, 1, 3, 1))


def change_name(model):
    model.add_module('extra', nn.Linear(1, 1))


@pytest.mark.parametrize(
    'change',
    [change_value, change_buffer, change_dtype, change_shape, change_name],
)
def test_weights_count(change):
    model = make_model()
    before = fingerprint(model, PIPELINE, CLASSES)
    change(model)
    after = fingerprint(model, PIPELINE, CLASSES)
    assert after.pop('weights') != before.pop('weights')
    assert after == before


def test_parallel_wrapper_is_looked_through():
    bare = fingerprint(make_model(), PIPELINE, CLASSES)
    wrapped = nn.DataParallel(make_model())
    assert fingerprint(wrapped, PIPELINE, CLASSES) == bare


def test_extra_state_counts():
    class Tree(nn.Module):
        def __init__(self, names):
            super().__init__()
            self.names = names

        def get_extra_state(self):
            return {'names': self.names}

    digests = {
        fingerprint(Tree(names), PIPELINE, CLASSES)['weights']
        for names in (['a'], ['b'])
    }
    assert len(digests) == 2


class Resize:
    pass


@pytest.mark.parametrize(
    'place, step',
    [
        (0, {'type': 'LoadImageFromFile', 'backend_args': {'a': 'petrel'}}),
        (0, {'type': 'mmcv.LoadImageFromFile'}),
        (1, {'scale': [448, 448], 'type': 'Resize'}),
        (1, {'type': Resize, 'scale': (448, 448)}),
        (2, {'type': 'AddHierarchyLabels', 'tree': '/elsewhere/tree.csv'}),
        (3, {'type': 'PackInputs', 'meta_keys': ['img_path']}),
    ],
)
def test_meaningless_differences_are_ignored(place, step):
    pipeline = [*PIPELINE]
    pipeline[place] = step
    model = make_model()
    assert fingerprint(model, pipeline, CLASSES) == fingerprint(
        model, PIPELINE, CLASSES
    )


@pytest.mark.parametrize(
    'pipeline',
    [
        [{'type': 'Resize', 'scale': (224, 224)}, *PIPELINE],
        list(reversed(PIPELINE)),
        {'pipeline': PIPELINE, 'data_preprocessor': {'to_rgb': True}},
        [*PIPELINE, {'type': 'mmc2f.DegradeResolution', 'resolution': 56}],
    ],
)
def test_pipeline_counts(pipeline):
    model = make_model()
    before = fingerprint(model, PIPELINE, CLASSES)
    after = fingerprint(model, pipeline, CLASSES)
    assert after.pop('pipeline') != before.pop('pipeline')
    assert after == before


@pytest.mark.parametrize('classes', [['bee', 'ant'], ['ant'], ['ant', 'cow']])
def test_classes_count(classes):
    model = make_model()
    before = fingerprint(model, PIPELINE, CLASSES)
    after = fingerprint(model, PIPELINE, classes)
    assert after.pop('classes') != before.pop('classes')
    assert after == before


def test_what_is_embedded_counts_where_it_can_be_chosen():
    loader = dict(dataset=dict(pipeline=PIPELINE))
    cfg = Config(dict(test_dataloader=loader, model=dict()))
    plain, model = make_model(), make_model()
    made_by = model_fingerprint(cfg, plain, CLASSES)
    model.embedding_source = 'pre_logits'
    # Those of models that had no choice yet stay valid.
    assert model_fingerprint(cfg, model, CLASSES) == made_by
    model.embedding_source = 'pooled'
    other = model_fingerprint(cfg, model, CLASSES)
    assert other.pop('pipeline') != made_by.pop('pipeline')
    assert other == made_by
