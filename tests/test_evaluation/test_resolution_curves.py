"""Accuracy against resolution, measured by running a model."""

import pytest
import torch
from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch.utils.data import DataLoader

from mmc2f.evaluation.resolution_curves import ResolutionCurves, measure_curves
from mmc2f.structures import LabelTree

CLASSES = ['ant', 'bee', 'cat', 'dog']
TREE = LabelTree.build(
    dict(
        levels=['species', 'class'],
        classes=[CLASSES, ['insect', 'mammal']],
        parents=[[0, 0, 1, 1]],
    )
)
#: View, label, best class.
ANSWERS = [
    *[('8', 0, 1), ('8', 1, 1), ('8', 2, 0), ('8', 3, 2)],
    *[('16', 0, 0), ('16', 1, 1), ('16', 2, 3), ('16', 3, 3)],
]


class Images(list):
    @property
    def metainfo(self):
        return {'classes': CLASSES}


class Model(BaseModel):
    """Answers with what stands in the input."""

    def __init__(self, is_hierarchical=False):
        super().__init__()
        self.is_hierarchical = is_hierarchical
        self.was_training = None

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.was_training = self.training
        assert not torch.is_grad_enabled()
        for image, sample in zip(inputs, data_samples, strict=True):
            scores = torch.nn.functional.one_hot(image, 4).float()
            sample.set_field(scores, 'pred_score')
            if self.is_hierarchical:
                # Of the other level always the first class.
                levels = [scores, torch.tensor([1.0, 0.0])]
                sample.set_field(levels, 'level_scores')
        return data_samples


def loader():
    images = Images()
    for view, label, best in ANSWERS:
        sample = DataSample(metainfo={'view': view}).set_gt_label(label)
        images.append({'inputs': torch.tensor(best), 'data_samples': sample})
    return DataLoader(
        images,
        batch_size=3,
        collate_fn=lambda batch: {k: [b[k] for b in batch] for k in batch[0]},
    )


def test_plain_classifier_is_judged_by_summed_probabilities():
    model = Model()
    curves = measure_curves(model, loader(), TREE)
    assert curves.levels == ('species', 'class')
    assert curves.resolutions == (16, 8)
    assert curves.accuracies == ((0.75, 0.25), (1.0, 0.75))
    assert model.was_training is False


def test_hierarchical_head_is_judged_by_its_levels():
    curves = measure_curves(Model(is_hierarchical=True), loader(), TREE)
    assert curves.accuracies == ((0.75, 0.25), (0.5, 0.5))


CURVES = ResolutionCurves(
    ('a', 'b', 'c'), (16, 8), ((0.5, 0.25), (0.75, 0.5), (1.0, 1.0))
)


def test_lookup_by_level_and_resolution():
    assert CURVES.accuracy_of(0, 16) == 0.5
    assert CURVES.accuracy_of(1, 8) == 0.5


def test_relative_thresholds_are_of_the_highest_resolution():
    assert CURVES.relative_thresholds([0.8, 0.5]) == pytest.approx(
        [0.4, 0.375]
    )


def test_nothing_right_has_no_share():
    curves = ResolutionCurves(('a', 'b'), (16,), ((0.5,), (0.0,)))
    assert curves.relative_thresholds([0.8]) == pytest.approx([0.4])
    with pytest.raises(ValueError, match=r"resolution, 16, .* level 'b'"):
        curves.relative_thresholds([0.8, 0.8])


def test_plain_lists():
    assert CURVES.to_dict() == {
        'levels': ['a', 'b', 'c'],
        'resolutions': [16, 8],
        'accuracies': {'a': [0.5, 0.25], 'b': [0.75, 0.5], 'c': [1.0, 1.0]},
    }


def test_classes_of_another_tree():
    with pytest.raises(ValueError, match='the dataset has 4 classes'):
        measure_curves(Model(), loader(), LabelTree.build('fonts'))
