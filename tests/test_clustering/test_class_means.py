import pytest
import torch

from mmc2f.clustering import class_means


def test_equals_a_loop_over_images():
    features = torch.randn(20, 5)
    labels = torch.arange(20) % 3
    expected = torch.zeros(3, 5)
    for c in range(3):
        own = [features[i] for i in range(20) if labels[i] == c]
        expected[c] = sum(own) / len(own)
    means = class_means(features, labels, 3)
    assert means.dtype == torch.float32
    torch.testing.assert_close(means, expected)


def test_half_precision_features_do_not_overflow():
    features = torch.full((300, 2), 1000.0, dtype=torch.float16)
    means = class_means(features, torch.zeros(300, dtype=torch.long), 1)
    torch.testing.assert_close(means, torch.full((1, 2), 1000.0))


def test_classes_without_images_are_named():
    with pytest.raises(ValueError, match='Class 1, 3 has no image'):
        class_means(torch.randn(4, 2), torch.tensor([0, 2, 2, 0]), 4)


def test_long_lists_of_empty_classes_are_shortened():
    with pytest.raises(ValueError, match='10 and 5 more has no image'):
        class_means(torch.randn(1, 2), torch.tensor([0]), 16)


@pytest.mark.parametrize('label', [-1, 2])
def test_label_out_of_range_is_an_error(label):
    with pytest.raises(ValueError, match=f'Label {label} is outside 0..1'):
        class_means(torch.randn(2, 3), torch.tensor([0, label]), 2)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match='needs features'):
        class_means(torch.randn(2, 3), torch.zeros(3), 1)
