"""Parquet files give the same tables as csv files."""

import sys

import pytest

from mmc2f.files import read_csv, read_parquet, read_table


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip('pyarrow', reason='install pyarrow')
    from pyarrow.parquet import write_table

    def write(names, columns):
        path = tmp_path / 'table.parquet'
        arrays = [pyarrow.array(column) for column in columns]
        write_table(pyarrow.Table.from_arrays(arrays, names=names), path)
        return path

    return write


def test_cells_are_text(parquet):
    path = parquet(['path', 'label'], [[' a.png', None], [7, 8]])
    table = read_table(path)
    assert table.columns == ['path', 'label']
    assert table.rows == [
        (1, {'path': 'a.png', 'label': '7'}),
        (2, {'path': '', 'label': '8'}),
    ]


def test_two_columns_of_one_name(parquet):
    path = parquet(['a', 'a'], [[1], [2]])
    with pytest.raises(ValueError, match="2 columns are called 'a'"):
        read_parquet(path)


def test_no_parquet_file(tmp_path):
    pytest.importorskip('pyarrow', reason='install pyarrow')
    path = tmp_path / 'table.parquet'
    path.write_text('path,label\n')
    with pytest.raises(ValueError, match='cannot be read as Parquet'):
        read_table(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_table(path)


def test_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(ImportError, match='run: pip install pyarrow'):
        read_parquet(tmp_path / 'table.parquet')


def test_other_endings_are_csv(tmp_path):
    path = tmp_path / 'table.txt'
    path.write_text('a,b\n1,2\n')
    assert read_table(path) == read_csv(path)
