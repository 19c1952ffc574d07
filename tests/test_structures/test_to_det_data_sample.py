"""Without mmdet: one sentence; with it: tests/test_mmdet."""

import pytest
from mmpretrain.structures import DataSample

from mmc2f import optional
from mmc2f.structures import to_det_data_sample


def test_without_mmdet_it_says_the_command(monkeypatch):
    monkeypatch.setattr(optional, 'find_spec', lambda name: None)
    with pytest.raises(
        ImportError,
        match=r"^to_det_data_sample needs mmdet .*'mmc2f\[mmdet\]'",
    ):
        to_det_data_sample(DataSample())
