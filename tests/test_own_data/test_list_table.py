"""Columns of a csv or Parquet file, and what is wrong in one row."""

import pytest

from mmc2f.own_data.hierarchy import known_hierarchy
from mmc2f.own_data.list_table import list_table


@pytest.fixture
def table(tmp_path):
    """Writes a csv, and makes the images 1.png to 4.png."""

    def write(text):
        for index in range(1, 5):
            (tmp_path / f'{index}.png').touch()
        path = tmp_path / 'birds.csv'
        path.write_text(text)
        return path

    return write


def test_columns_by_their_customary_names(table):
    listing = list_table(
        table('Species;File_Name;subset\nant;1.png;train\nbee;2.png;Train\n')
    )
    assert [(i.path, i.label, i.split) for i in listing.images] == [
        ('1.png', 'ant', 'train'),
        ('2.png', 'bee', 'train'),
    ]
    assert listing.levels == ('Species',)


def test_super_classes_are_the_columns_that_group(table):
    path = table(
        'path,label,colour,family,order,photographer\n'
        '1.png,ant,red,F,O,me\n2.png,bee,red,F,O,you\n'
        '3.png,bee,blue,F,O,me\n4.png,cat,red,G,O,me\n'
    )
    listing = list_table(path)
    # A colour differs within a class, and there is one order only.
    assert listing.levels == ('label', 'family')
    assert listing.notes == ('super classes from columns: family',)
    levels, rows = known_hierarchy(listing)
    assert levels == ('label', 'family')
    assert rows['cat'] == ('cat', 'G')
    assert list_table(path, levels=()).levels == ('label',)
    assert known_hierarchy(list_table(path, levels=['order'])) is None


def test_columns_that_are_named(table):
    path = table(
        'where,what,when\n1.png,ant,dev\n2.png,ant,train\n3.png,bee,train\n'
    )
    names = dict(path_column='where', label_column='what')
    listing = list_table(path, **names, split_column='when')
    assert [i.split for i in listing.images] == ['val', 'train', 'train']
    assert not list_table(path, **names).has_splits


def test_repeated_rows_are_one_image(table):
    text = 'path,label,note\n1.png,ant,x\n1.png,ant,y\n2.png,bee,z\n'
    assert len(list_table(table(text)).images) == 2


def test_images_in_another_folder(table, tmp_path):
    path = table('path,label\na.png,ant\nb.png,bee\n')
    (tmp_path / 'images').mkdir()
    for name in 'ab':
        (tmp_path / 'images' / f'{name}.png').touch()
    assert list_table(path, tmp_path / 'images').root.name == 'images'


@pytest.mark.parametrize(
    ('text', 'error', 'message'),
    [
        ('path,kind\n1.png,a\n', ValueError, r'no column of labels .*kind'),
        ('label\na\n', ValueError, 'no column of paths'),
        ('path,label\n', ValueError, 'a header but no image'),
        ('path,label\n1.png,\n', ValueError, "row 2: 'label' is empty"),
        ('path,label\n1.png,a\n2.png,a\n', ValueError, 'one class only'),
        (
            'path,label\n1.png,a\n1.png,b\n',
            ValueError,
            r'row 3: 1\.png stands in a row above with another label',
        ),
        (
            'path,label,split\n1.png,a,left\n',
            ValueError,
            "row 2: 'split' is 'left', but a split is one of",
        ),
        (
            'path,label\n1.png,a\nx.png,b\ny.png,b\n',
            FileNotFoundError,
            "lists 2 images that .* does not have, such as 'x.png'",
        ),
        (
            'path,label\n1.png,a\nx.png,b\n',
            FileNotFoundError,
            'lists 1 image that',
        ),
    ],
)
def test_tables_that_cannot_be_used(table, text, error, message):
    with pytest.raises(error, match=message):
        list_table(table(text))


def test_a_column_that_is_named_but_missing(table):
    path = table('path,label\n1.png,a\n2.png,b\n')
    with pytest.raises(ValueError, match=r"no column of a level .*'x'"):
        list_table(path, levels=['x'])
    with pytest.raises(ValueError, match=r"no column of labels .*'y'"):
        list_table(path, label_column='y')
