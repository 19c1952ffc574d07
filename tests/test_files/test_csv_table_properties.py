"""Any table comes back from CSV, and any text is a table or an error."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmc2f.files import decode_text, parse_csv

# Spaces around cells are dropped, so they are not drawn there; Python before
# 3.13 writes a lone carriage return as if it ended no row.
CELLS = st.text(
    st.characters(exclude_categories=['Cs'], exclude_characters='\0\r'),
    max_size=6,
).map(str.strip)
NAMES = CELLS.filter(lambda name: name and not set(name) & set(',;\t"\r\n'))


@st.composite
def tables(draw):
    columns = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    row = st.lists(CELLS, min_size=len(columns), max_size=len(columns))
    # A row of empty cells is none.
    return columns, draw(st.lists(row.filter(any), max_size=5))


@given(
    table=tables(),
    separator=st.sampled_from(',;\t'),
    end=st.sampled_from(['\n', '\r\n']),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_tables_come_back(table, separator, end, quoting):
    columns, rows = table
    if len(columns) == 1:
        # The header shows no separator; a comma is taken.
        separator = ','
    file = io.StringIO(newline='')
    writer = csv.writer(
        file, delimiter=separator, lineterminator=end, quoting=quoting
    )
    writer.writerows([columns, *rows])
    found = parse_csv(file.getvalue(), 'f')
    assert found.columns == columns
    assert [list(cells.values()) for _, cells in found.rows] == rows


@given(st.text(st.sampled_from('ab ,;\t"\n\r'), max_size=20) | st.text())
def test_text_is_a_table_or_an_error_with_its_row(text):
    try:
        table = parse_csv(text, 'f')
    except ValueError as error:
        assert str(error).startswith('f, row ')
    else:
        assert all(list(row) == table.columns for _, row in table.rows)


@given(st.binary(max_size=30))
def test_bytes_are_text_or_an_error_with_its_row(content):
    try:
        text = decode_text(content, 'f')
    except ValueError as error:
        assert str(error).startswith('f, row ')
    else:
        assert '\0' not in text


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@given(text=CELLS)
def test_encodings_come_back(encoding, text):
    # A mark at the beginning of the text itself is taken for the file's.
    text = text.lstrip('\ufeff')
    assert decode_text(text.encode(encoding), 'f') == text
