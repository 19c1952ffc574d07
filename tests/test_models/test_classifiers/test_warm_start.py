"""A trained classifier as the start of another one."""

import pytest
import torch
from torch import nn

from mmc2f.models.heads.multi_level_head import copy_classifier


def test_begins_with_the_same_logits():
    source, target = nn.Linear(3, 4), nn.Linear(5, 4)
    copy_classifier(source, target)
    feature = torch.randn(6, 5)
    torch.testing.assert_close(target(feature), source(feature[:, :3]))
    assert target.weight.requires_grad


@pytest.mark.parametrize('target', [nn.Linear(5, 3), nn.Linear(2, 4)])
def test_other_shapes(target):
    with pytest.raises(ValueError, match='cannot start from one of 3'):
        copy_classifier(nn.Linear(3, 4), target)
