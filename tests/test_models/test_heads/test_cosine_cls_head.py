"""Classifiers that compare directions."""

import math

import pytest
import torch
from mmpretrain.structures import DataSample

from mmc2f.models.heads.cosine_cls_head import CosineClsHead, CosineLinear
from mmc2f.registry import MODELS


def _naive_cosine(a, b):
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    norms = [math.sqrt(sum(float(x) ** 2 for x in v)) for v in (a, b)]
    return dot / (norms[0] * norms[1])


def test_logits_are_scaled_cosines():
    torch.manual_seed(0)
    layer = CosineLinear(5, 3, scale=7.0)
    x = torch.randn(4, 5)
    logits = layer(x).detach()
    for i in range(4):
        for c in range(3):
            expected = 7.0 * _naive_cosine(x[i], layer.weight[c].detach())
            assert logits[i, c].item() == pytest.approx(expected, abs=1e-5)


def test_lengths_do_not_count():
    layer = CosineLinear(5, 3)
    x = torch.randn(2, 4, 5)
    torch.testing.assert_close(layer(x), layer(9 * x))
    before = layer(x)
    with torch.no_grad():
        layer.weight *= torch.tensor([[1.0], [2.0], [5.0]])
    torch.testing.assert_close(layer(x), before)


def test_a_zero_feature_has_finite_logits_and_gradients():
    layer = CosineLinear(5, 3)
    x = torch.zeros(1, 5, requires_grad=True)
    layer(x).sum().backward()
    assert layer(x).abs().max() == 0
    assert x.grad.isfinite().all()


@pytest.mark.parametrize('scale', [0, -1.0, float('nan')])
def test_scale_is_positive(scale):
    with pytest.raises(ValueError, match='scale must be positive'):
        CosineLinear(5, 3, scale=scale)


def test_the_embedding_is_what_is_classified():
    head = MODELS.build(
        dict(type='mmc2f.CosineClsHead', num_classes=3, in_channels=5)
    )
    feature = torch.rand(16, 5) + 10
    embedding = head.pre_logits((feature,))
    # Positive features point one way; normalised ones do not.
    assert embedding.mean(dim=0).abs().max() < 1e-4
    torch.testing.assert_close(head.fc(embedding), head((feature,)))


def test_it_learns_where_the_features_are_all_alike():
    """The reason for the normalisation: a common offset hides classes."""
    torch.manual_seed(0)
    labels = torch.arange(4).repeat(16)
    centres = torch.eye(4, 8)
    features = 50 + centres[labels] + 0.1 * torch.randn(64, 8)
    samples = [DataSample().set_gt_label(int(y)) for y in labels]
    head = CosineClsHead(4, 8)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.2, momentum=0.9)
    for _ in range(150):
        loss = head.loss((features,), samples)['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    head.eval()
    assert (head((features,)).argmax(dim=1) == labels).all()
