"""A trained classifier as the start of another one."""

import pytest
import torch
from mmpretrain.models.heads import LinearClsHead

from mmc2f.models.heads.cosine_cls_head import CosineClsHead, copy_classifier


def test_begins_with_the_same_logits():
    source, target = LinearClsHead(4, 3), LinearClsHead(4, 5)
    copy_classifier(source, target)
    feature = torch.randn(6, 5)
    torch.testing.assert_close(target((feature,)), source((feature[:, :3],)))
    assert target.fc.weight.requires_grad


def test_a_cosine_classifier_begins_with_directions_and_statistics():
    source, target = CosineClsHead(4, 3), CosineClsHead(4, 5)
    source.norm(torch.randn(8, 3) * 3 + 7)
    copy_classifier(source, target)
    source.eval()
    target.eval()
    feature = torch.randn(6, 5)
    # Entries that are the mean are 0 after the normalisation.
    feature[:, 3:] = target.norm.running_mean[3:]
    torch.testing.assert_close(target((feature,)), source((feature[:, :3],)))


@pytest.mark.parametrize('shape', [(3, 5), (4, 2)])
def test_other_shapes(shape):
    with pytest.raises(ValueError, match='cannot start from one of 3'):
        copy_classifier(LinearClsHead(4, 3), LinearClsHead(*shape))


def test_linear_from_cosine():
    with pytest.raises(ValueError, match='one classifies by cosines'):
        copy_classifier(CosineClsHead(4, 3), LinearClsHead(4, 5))
