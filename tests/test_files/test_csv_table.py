"""Tables in CSV files, as spreadsheets of several countries write them."""

import pytest

from mmc2f.files import parse_csv, read_csv

ROWS = [(2, {'x': 'a', 'y': 'b c'}), (3, {'x': 'd', 'y': 'é'})]


@pytest.mark.parametrize(
    'text',
    [
        'x,y\na,b c\nd,é\n',
        'x;y\na;b c\nd;é\n',
        'x\ty\na\tb c\nd\té\n',
        'x,y\r\na,b c\r\nd,é',
        ' x , y\n a, b c \nd,"é"\n',
        'x,y,\na,b c,\nd,é,,\n,,\n',
        '"x";y\n"a";"b c"\nd;é\n',
    ],
)
def test_separators_quotes_and_padding(text):
    table = parse_csv(text, 'f')
    assert table.columns == ['x', 'y']
    assert table.rows == ROWS


@pytest.mark.parametrize(
    'encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-32']
)
def test_byte_order_marks(tmp_path, encoding):
    path = tmp_path / 'f.csv'
    path.write_bytes('x,y\na,b c\nd,é\n'.encode(encoding))
    assert read_csv(path).rows == ROWS


def test_rows_are_numbered_as_in_the_file():
    table = parse_csv('\nx,y\n\na,"b,\nc"\nd\n', 'f')
    assert table.rows == [
        (5, {'x': 'a', 'y': 'b,\nc'}),
        (6, {'x': 'd', 'y': ''}),
    ]


def test_separators_within_cells_stay():
    assert parse_csv('x;y\na,b;1,5\n', 'f').rows == [
        (2, {'x': 'a,b', 'y': '1,5'})
    ]
    assert parse_csv('x\na;b\n', 'f').rows == [(2, {'x': 'a;b'})]


def test_empty_text():
    assert parse_csv('', 'f') == ([], [])


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        ('x,y;z\na,b\n', 'row 1: the header has commas and semicolons'),
        ('x;y\tz\na;b\n', 'semicolons and tabs'),
        ('x,x\na,b\n', "row 1: 2 columns are called 'x'"),
        ('x,y\na,b\nc,d,e\n', "row 3: cell 3, 'e', is in no column"),
        ('x,\na,b\n', "row 2: cell 2, 'b', is in no column"),
        ('x,y\na,b\n"c,d\ne,f\n', 'row 3: .*quote not closed'),
        ('x,y\na,"b"c\n', 'row 2: .*quote not closed'),
    ],
)
def test_what_is_no_table(text, match):
    with pytest.raises(ValueError, match=match) as caught:
        parse_csv(text, 'some/file.csv')
    assert str(caught.value).startswith('some/file.csv, row ')
