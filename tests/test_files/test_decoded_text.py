"""Encodings of text files."""

import pytest

from mmc2f.files import decode_text, read_text


def test_latin_1_is_named_with_its_row(tmp_path):
    path = tmp_path / 'names.csv'
    path.write_bytes('species\nsparrow\nTaupe à queue\n'.encode('latin-1'))
    with pytest.raises(ValueError, match=r'row 3: byte 0xe0') as caught:
        read_text(path)
    message = str(caught.value)
    assert message.startswith(f'{path}, ')
    assert "In Latin-1 the row would be 'Taupe à queue'" in message
    assert 'UTF-8' in message


@pytest.mark.parametrize(
    ('content', 'match'),
    [
        ('x\ny\n'.encode('utf-16-le'), 'row 1: a NUL .*UTF-16'),
        ('x\ny\n'.encode('utf-16')[:-1], 'is not UTF-16'),
        (b'\xef\xbb\xbfx\n\xff', 'row 2: byte 0xff is not UTF-8'),
    ],
)
def test_other_encodings(content, match):
    with pytest.raises(ValueError, match=match):
        decode_text(content, 'f')
