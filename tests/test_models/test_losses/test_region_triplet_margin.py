import math

import pytest
import torch

from mmc2f.models.losses import region_triplet_margin


def cosine(x, y):
    dot = sum(a * b for a, b in zip(x, y, strict=True))
    return dot / math.sqrt(sum(a * a for a in x) * sum(b * b for b in y))


def naive_margin(features, prototypes, labels):
    rows = []
    for regions, label in zip(features.tolist(), labels.tolist(), strict=True):
        row = []
        for region in regions:
            own = cosine(region, prototypes[label].tolist())
            others = [
                cosine(region, prototype)
                for c, prototype in enumerate(prototypes.tolist())
                if c != label
            ]
            row.append(own - max(others))
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


@pytest.fixture
def batch():
    generator = torch.manual_seed(0)
    features = torch.randn(4, 3, 5, dtype=torch.float64, generator=generator)
    prototypes = torch.randn(6, 5, dtype=torch.float64, generator=generator)
    return features, prototypes, torch.tensor([0, 5, 2, 2])


@pytest.mark.parametrize('classes', [6, 3])
def test_equals_naive_loops(batch, classes):
    features, prototypes, labels = batch
    arguments = features, prototypes[:classes], labels % classes
    torch.testing.assert_close(
        region_triplet_margin(*arguments), naive_margin(*arguments)
    )


def test_region_on_its_prototype_beats_one_on_another_class():
    prototypes = torch.eye(3)
    features = torch.eye(3).unsqueeze(0)
    margins = region_triplet_margin(features, prototypes, torch.tensor([1]))
    assert margins.tolist() == [[-1, 1, -1]]


def test_gradient_reaches_features_and_prototypes(batch):
    features, prototypes, labels = batch
    assert torch.autograd.gradcheck(
        lambda x, y: region_triplet_margin(x, y, labels),
        (features.requires_grad_(), prototypes.requires_grad_()),
    )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(batch, dtype):
    features, prototypes, labels = batch
    features, prototypes = features.to(dtype), prototypes.to(dtype)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        margins = region_triplet_margin(features, prototypes, labels)
    assert margins.dtype == torch.float32
    expected = naive_margin(features, prototypes, labels)
    torch.testing.assert_close(margins, expected.float())


def test_nan_goes_through(batch):
    features, prototypes, labels = batch
    features[1, 2, 0] = math.nan
    expected = torch.zeros(4, 3, dtype=torch.bool)
    expected[1, 2] = True
    margins = region_triplet_margin(features, prototypes, labels)
    assert torch.equal(margins.isnan(), expected)


@pytest.mark.parametrize(
    'position, value, message',
    [
        (0, torch.zeros(4, 5), r'features must be \(B, M, D\)'),
        (1, torch.zeros(6, 4), r'prototypes must be \(C, 5\)'),
        (1, torch.zeros(5), 'prototypes must be'),
        (1, torch.zeros(1, 5), 'at least 2 classes, got 1'),
        (2, torch.zeros(3).long(), r'labels \(B,\)'),
    ],
)
def test_rejects_wrong_input(batch, position, value, message):
    arguments = list(batch)
    arguments[position] = value
    with pytest.raises(ValueError, match=message):
        region_triplet_margin(*arguments)
