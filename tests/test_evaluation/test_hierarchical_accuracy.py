import pytest
import torch

from mmc2f.evaluation import HierarchicalAccuracy, hierarchical_accuracy
from mmc2f.evaluation.functional import predict_levels
from mmc2f.structures import LabelTree

TREE = LabelTree(
    ['x', 'y', 'z'],
    [list('abcde'), list('pqr'), list('st')],
    [[0, 0, 1, 2, 2], [0, 0, 1]],
)
ANCESTORS = torch.stack([TREE.ancestors(level) for level in range(3)])


def reference(scores, targets, mode):
    """Percent right at each level, by loops over images and classes."""
    accuracies = []
    for level in range(TREE.num_levels):
        right = 0
        of = TREE.ancestors(level).tolist()
        for row, target in zip(scores.tolist(), targets.tolist(), strict=True):
            if mode == 'argmax':
                predicted = of[max(range(5), key=row.__getitem__)]
            else:
                sums = [0.0] * TREE.num_classes(level)
                for child, score in enumerate(row):
                    sums[of[child]] += score
                predicted = max(range(len(sums)), key=sums.__getitem__)
            right += predicted == of[target]
        accuracies.append(100 * right / len(targets))
    return accuracies


@pytest.mark.parametrize('mode', ['argmax', 'sum'])
@pytest.mark.parametrize('seed', range(4))
def test_equals_loops(mode, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(40, 5, generator=generator).softmax(dim=1)
    targets = torch.randint(5, (40,), generator=generator)
    accuracies = hierarchical_accuracy(scores, targets, ANCESTORS, mode)
    assert accuracies.tolist() == pytest.approx(
        reference(scores, targets, mode)
    )


def test_modes_differ_where_the_best_class_is_alone():
    scores = torch.tensor([[0.3, 0.3, 0.0, 0.4, 0.0]])
    assert predict_levels(scores, ANCESTORS).tolist() == [[3, 2, 1]]
    assert predict_levels(scores, ANCESTORS, 'sum').tolist() == [[3, 0, 0]]


def test_predicted_classes():
    accuracies = hierarchical_accuracy(
        torch.tensor([0, 1, 2, 3]), torch.tensor([0, 0, 0, 0]), ANCESTORS
    )
    assert accuracies.tolist() == [25, 50, 75]


@pytest.mark.parametrize(
    ('predictions', 'targets', 'mode', 'match'),
    [
        (torch.zeros(0, 5), [], 'argmax', 'no image'),
        (torch.zeros(2, 5), [0], 'argmax', '2 predictions for 1 targets'),
        (torch.zeros(1, 4), [0], 'argmax', 'scores have 4 .* has 5'),
        (torch.zeros(1, 5), [5], 'argmax', 'target 5 of image 0 is outside'),
        (torch.tensor([0, -1]), [0, 0], 'argmax', 'class -1 of image 1'),
        (torch.tensor([0]), [0], 'sum', 'needs scores'),
        (torch.zeros(1, 5), [0], 'mean', "'argmax', 'sum', got 'mean'"),
        (
            torch.tensor([[0.0] * 5, [float('nan')] * 5]),
            [0, 0],
            'argmax',
            '1 of 2 images are NaN, the first is image 1',
        ),
    ],
)
def test_wrong_input(predictions, targets, mode, match):
    with pytest.raises(ValueError, match=match):
        hierarchical_accuracy(
            predictions, torch.tensor(targets).long(), ANCESTORS, mode
        )


def sample(score, target, key='pred_score'):
    return {key: torch.as_tensor(score), 'gt_label': torch.tensor([target])}


@pytest.mark.parametrize('mode', ['argmax', 'sum'])
def test_metric_gathers_batches(mode):
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(7, 5, generator=generator)
    targets = torch.randint(5, (7,), generator=generator)
    metric = HierarchicalAccuracy(TREE, mode=mode)
    samples = list(map(sample, scores, targets.tolist()))
    metric.process(None, samples[:4])
    metric.process(None, samples[4:])
    result = metric.evaluate(7)
    assert list(result) == [f'accuracy/{level}_top1' for level in 'xyz']
    assert list(result.values()) == pytest.approx(
        reference(scores, targets, mode)
    )


def test_metric_of_another_field_and_prefix():
    metric = HierarchicalAccuracy(TREE, score_key='pred_label', prefix='best')
    metric.process(None, [sample([1], 0, 'pred_label')])
    metric.process(None, [sample([0], 0, 'pred_label')])
    assert metric.evaluate(2) == {
        'best/x_top1': 50,
        'best/y_top1': 100,
        'best/z_top1': 100,
    }


def test_metric_is_built_from_a_config():
    from mmengine.evaluator import Evaluator

    evaluator = Evaluator(
        [{'type': 'mmc2f.HierarchicalAccuracy', 'tree': 'cub'}]
    )
    with pytest.raises(ValueError, match='the dataset has 3 classes'):
        evaluator.dataset_meta = {'classes': ('a', 'b', 'c')}
    evaluator.dataset_meta = {'classes': LabelTree.build('cub').names()}
    evaluator.dataset_meta = {}


def test_metric_without_samples():
    with pytest.raises(ValueError, match='got no prediction'):
        HierarchicalAccuracy(TREE).evaluate(0)


def test_metric_with_scores_of_other_classes():
    with pytest.raises(ValueError, match=r"'pred_score' has 4 .* has 5"):
        HierarchicalAccuracy(TREE).process(None, [sample([0.0] * 4, 0)])


def test_metric_of_a_missing_field():
    metric = HierarchicalAccuracy(TREE, score_key='coarse_score')
    with pytest.raises(ValueError, match="no 'coarse_score'; they have gt_"):
        metric.process(None, [sample([0.0] * 5, 0)])
