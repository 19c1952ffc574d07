"""Without mmdet: one sentence; with it: tests/test_mmdet."""

import sys

import pytest
from mmpretrain.structures import DataSample

from mmc2f.structures import to_det_data_sample


def test_without_mmdet_it_says_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet', None)
    monkeypatch.setitem(sys.modules, 'mmdet.structures', None)
    with pytest.raises(ImportError, match=r"pip install 'mmc2f\[mmdet\]'$"):
        to_det_data_sample(DataSample())
