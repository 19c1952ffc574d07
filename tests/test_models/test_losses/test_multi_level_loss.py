import math

import pytest
import torch

from mmc2f.models.losses import multi_level_loss
from mmc2f.registry import MODELS

PARENT_OF = torch.tensor([2, 0, 1, 0, 2, 2])
REDUCTIONS = ('sum', 'mean', 'target')


def softmax(logits):
    exponentials = [math.exp(x) for x in logits]
    return [x / sum(exponentials) for x in exponentials]


def naive_loss(child_logits, parent_logits, labels, lam, reduction, eps=0.0):
    """Eq. (1)-(4) sample by sample; eps is the label smoothing."""
    terms = {'l1': 0.0, 'l2': 0.0, 'lh': 0.0}
    parent_of = PARENT_OF.tolist()
    for child_row, parent_row, label in zip(
        child_logits.tolist(),
        parent_logits.tolist(),
        labels.tolist(),
        strict=True,
    ):
        p_child, p_parent = softmax(child_row), softmax(parent_row)
        for name, p, y in [
            ('l1', p_child, label),
            ('l2', p_parent, parent_of[label]),
        ]:
            for i, value in enumerate(p):
                target = (1 - eps) * (i == y) + eps / len(p)
                terms[name] -= target * math.log(value)
        excess = []
        for j, parent in enumerate(p_parent):
            children = [p for i, p in enumerate(p_child) if parent_of[i] == j]
            excess.append(max(0, sum(children) / len(children) - parent))
        terms['lh'] += {
            'sum': sum(excess),
            'mean': sum(excess) / len(excess),
            'target': excess[parent_of[label]],
        }[reduction]
    terms = {name: x / len(labels) for name, x in terms.items()}
    total = terms['l1'] + lam * terms['l2'] + terms['lh']
    return {**terms, 'total': total}


@pytest.fixture
def batch():
    generator = torch.manual_seed(0)
    child = torch.randn(7, 6, generator=generator) * 3
    parent = torch.randn(7, 3, generator=generator) * 3
    labels = torch.tensor([0, 1, 2, 3, 4, 5, 0])
    return child.double(), parent.double(), labels


def as_floats(losses):
    return {name: x.item() for name, x in losses.items()}


@pytest.mark.parametrize('reduction', REDUCTIONS)
@pytest.mark.parametrize('lam', [0.0, 1.0, 2.5])
def test_equals_naive_loops(batch, reduction, lam):
    losses = multi_level_loss(*batch, PARENT_OF, lam, reduction)
    expected = naive_loss(*batch, lam, reduction)
    assert expected['lh'] > 0
    assert as_floats(losses) == pytest.approx(expected)


def test_label_smoothing_equals_naive_loops(batch):
    losses = multi_level_loss(*batch, PARENT_OF, label_smoothing=0.1)
    expected = naive_loss(*batch, 1.0, 'sum', eps=0.1)
    assert as_floats(losses) == pytest.approx(expected)


@pytest.mark.parametrize('reduction', REDUCTIONS)
def test_constraint_is_zero_where_parents_exceed_their_children(reduction):
    # p_child = 1/6 each, so the mean over any children is 1/6 < p_parent.
    losses = multi_level_loss(
        torch.zeros(2, 6),
        torch.zeros(2, 3),
        torch.tensor([0, 5]),
        PARENT_OF,
        constraint_reduction=reduction,
    )
    assert losses['lh'] == 0


def test_target_constraint_looks_at_the_own_super_class_only():
    child = torch.tensor([[0.0, 0, 40, 0, 0, 0]])  # class 2, super class 1
    parent = torch.tensor([[0.0, -40, 0]])
    for label, expected in [(2, 1.0), (0, 0.0)]:
        losses = multi_level_loss(
            child,
            parent,
            torch.tensor([label]),
            PARENT_OF,
            constraint_reduction='target',
        )
        assert losses['lh'].item() == pytest.approx(expected)


def test_constraint_pulls_children_down_and_the_parent_up():
    child = torch.zeros(1, 6, requires_grad=True)
    parent = torch.tensor([[9.0, 0, 9]], requires_grad=True)
    losses = multi_level_loss(child, parent, torch.tensor([0]), PARENT_OF)
    losses['lh'].backward()
    assert child.grad[0, 2] > 0
    assert parent.grad[0, 1] < 0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    child, parent, labels = batch
    child, parent = child.to(dtype), parent.to(dtype)
    losses = multi_level_loss(child, parent, labels, PARENT_OF)
    expected = multi_level_loss(
        child.float(), parent.float(), labels, PARENT_OF
    )
    assert losses['total'].dtype == torch.float32
    assert losses == expected


def test_nan_goes_through(batch):
    child, parent, labels = batch
    child[3, 2] = math.nan
    losses = multi_level_loss(child, parent, labels, PARENT_OF)
    assert losses['l1'].isnan() and losses['lh'].isnan()
    assert losses['l2'].isfinite()


def test_gradient_is_that_of_finite_differences(batch):
    child, parent, labels = (x[:3] for x in batch)

    def total(child, parent):
        return multi_level_loss(child, parent, labels, PARENT_OF)['total']

    inputs = (child.requires_grad_(), parent.requires_grad_())
    assert torch.autograd.gradcheck(total, inputs)


def test_module_weighs_every_entry(batch):
    module = MODELS.build(
        {
            'type': 'mmc2f.MultiLevelLoss',
            'lam': 0.5,
            'constraint_reduction': 'mean',
            'loss_weight': 2.0,
        }
    )
    losses = as_floats(module(*batch, PARENT_OF))
    expected = naive_loss(*batch, 0.5, 'mean')
    assert losses == pytest.approx({k: 2 * v for k, v in expected.items()})
    assert repr(module) == (
        "MultiLevelLoss(lam=0.5, constraint_reduction='mean', "
        'loss_weight=2.0, label_smoothing=0.0)'
    )


@pytest.mark.parametrize(
    'position, value, message',
    [
        (0, torch.zeros(7), r'child_logits must be \(B, C\) and not empty'),
        (0, torch.zeros(0, 6), 'not empty'),
        (1, torch.zeros(6, 3), r'parent_logits must be \(7, C_f\)'),
        (1, torch.zeros(7), 'parent_logits'),
        (2, torch.zeros(7, 1).long(), r'child_labels must be \(7,\)'),
        (
            2,
            torch.tensor([0, 1, 6, 0, 0, 0, 0]),
            r'child_labels\[2\] is 6, .*0 to 5',
        ),
        (2, torch.tensor([-1] * 7), r'child_labels\[0\] is -1'),
        (3, torch.zeros(5).long(), 'each of 6 child classes.*tree and head'),
        (3, torch.tensor([0, 1, 2, 3, 0, 0]), r'parent_of\[3\] is 3'),
        (3, torch.tensor([0, 2, 2, 0, 0, 0]), 'super class 1 of 3 has no ch'),
    ],
)
def test_rejects_wrong_input(batch, position, value, message):
    arguments = [*batch, PARENT_OF]
    arguments[position] = value
    with pytest.raises(ValueError, match=message):
        multi_level_loss(*arguments)


def test_rejects_unknown_reduction(batch):
    with pytest.raises(ValueError, match='constraint_reduction must be one'):
        multi_level_loss(*batch, PARENT_OF, constraint_reduction='max')


@pytest.mark.parametrize(
    'name, value', [('constraint_reduction', 'max'), ('label_smoothing', 1)]
)
def test_module_rejects_wrong_arguments(name, value):
    with pytest.raises(ValueError, match=f'{name} must be'):
        MODELS.build({'type': 'mmc2f.MultiLevelLoss', name: value})
