from types import SimpleNamespace

import pytest

from mmc2f.datasets.requirements import class_names


def test_names_in_order():
    dataset = SimpleNamespace(metainfo={'classes': ['bee', 'ant']})
    assert class_names(dataset) == ('bee', 'ant')


@pytest.mark.parametrize(
    'dataset',
    [
        SimpleNamespace(metainfo={}),
        SimpleNamespace(metainfo={'classes': ()}),
        3,
    ],
)
def test_data_without_names_is_refused(dataset):
    with pytest.raises(ValueError, match=f'{type(dataset).__name__} names no'):
        class_names(dataset)
