"""Text files in UTF-8, with errors that name the row."""

import codecs
import os
from pathlib import Path

__all__ = ['decode_text', 'read_text']

# The longer ones first: UTF-32 begins as UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, 'utf-32'),
    (codecs.BOM_UTF32_BE, 'utf-32'),
    (codecs.BOM_UTF16_LE, 'utf-16'),
    (codecs.BOM_UTF16_BE, 'utf-16'),
)
_SHOWN = 60


def read_text(path: str | os.PathLike) -> str:
    """Read a file as :func:`decode_text` does.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not UTF-8.
    """
    return decode_text(Path(path).read_bytes(), path)


def decode_text(content: bytes, path: object) -> str:
    """Decode UTF-8, or what a byte order mark says, as spreadsheets write.

    Args:
        content: Of the file.
        path: Its name, for the message.

    Raises:
        ValueError: It is another encoding. Names file and row, and shows
            what the row would be in Latin-1, which cannot be told from other
            encodings of one byte a letter.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    encoding = next(
        (name for mark, name in _MARKS if content.startswith(mark)), 'utf-8'
    )
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content.count(b'\n', 0, error.start) + 1
        raise ValueError(
            f'{path}, row {row}: byte 0x{content[error.start]:02x} is not '
            f'{encoding.upper()}. {_hint(content, error.start)}Save the file '
            'as UTF-8.'
        ) from error
    if '\0' in text:
        row = text.count('\n', 0, text.index('\0')) + 1
        raise ValueError(
            f'{path}, row {row}: a NUL character, which no text has. If the '
            'file is UTF-16, save it as UTF-8.'
        )
    return text


def _hint(content: bytes, place: int) -> str:
    """What the row would be in the most common of the other encodings."""
    start = content.rfind(b'\n', 0, place) + 1
    row = content[start:].split(b'\n', 1)[0].decode('latin-1').strip()
    return f'In Latin-1 the row would be {row[:_SHOWN]!r}. '
