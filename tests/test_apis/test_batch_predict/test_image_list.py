"""Lists of images, and what is no list."""

import os

import pytest

from mmc2f.apis.batch_predict import list_images

pa = pytest.importorskip('pyarrow', reason="needs 'mmc2f[scale]'")
pq = pytest.importorskip('pyarrow.parquet')


def write_parquet(path, names, column='image'):
    pq.write_table(pa.table({column: names}), path)
    return path


def test_folder_gives_its_images_sorted(tmp_path):
    odd = os.fsdecode(b'\xff.png')
    for name in ('b.jpg', 'a/c.PNG', 'a/notes.txt', odd):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [os.path.relpath(n, tmp_path) for n in list_images(tmp_path)]
    assert names == ['b.jpg', odd, 'a/c.PNG']


def test_csv_gives_its_column(tmp_path):
    file = tmp_path / 'list.csv'
    file.write_text('id;path\n1;a.jpg\n2;folder/b c.jpg\n3;a.jpg\n')
    expected = ['a.jpg', 'folder/b c.jpg', 'a.jpg']
    assert list(list_images(file, 'path')) == expected


def test_parquet_gives_texts_and_bytes(tmp_path):
    names = [b'a.jpg', b'\xff.jpg']
    write_parquet(tmp_path / 'b.parquet', ['x.jpg'])
    write_parquet(tmp_path / 'a.parquet', names)
    first = list(map(os.fsdecode, names))
    assert list(list_images(tmp_path / 'a.parquet')) == first
    assert list(list_images(tmp_path)) == [*first, 'x.jpg']


def refused(source, error=ValueError):
    with pytest.raises(error) as raised:
        list(list_images(source))
    return str(raised.value)


def test_refusals_name_file_and_row(tmp_path):
    assert 'there is no list' in refused(tmp_path / 'no', FileNotFoundError)
    assert 'holds no image' in refused(tmp_path)
    file = tmp_path / 'list.csv'
    file.write_text('path\na.jpg\n')
    assert f"{file} has no column 'image' but path" in refused(file)
    file.write_text('image,id\na.jpg,1\n,2\n')
    assert f"{file}, row 3: column 'image' is empty" in refused(file)
    file = write_parquet(tmp_path / 'a.parquet', ['a.jpg', None])
    assert f'{file}, row 2' in refused(file)
    file = write_parquet(tmp_path / 'a.parquet', [3])
    assert f'{file}, row 1' in refused(file)
    file.write_bytes(b'PAR1 cut short')
    assert f'{file} is no whole parquet file' in refused(file)
    file = tmp_path / 'list.txt'
    file.touch()
    assert 'neither a folder' in refused(file)
