import pytest

from mmc2f.datasets.transforms.damaged_files import DamagedFiles


def test_different_files_are_counted_up_to_one_more_than_the_limit():
    files = DamagedFiles(limit=2)
    assert [files.add(name) for name in 'aabacd'] == [1, 1, 2, 2, 3, 3]
    assert files.counts == dict(a=3, b=1, c=1, d=1)
    assert files.total == 6


def test_without_a_limit_all_are_counted():
    files = DamagedFiles()
    assert [files.add(name) for name in 'abcab'] == [1, 2, 3, 3, 3]


def test_none_may_be_damaged():
    assert DamagedFiles(limit=0).add('caf\udce9.jpg') == 1
    with pytest.raises(ValueError, match='from 0 on, got -1'):
        DamagedFiles(limit=-1)
