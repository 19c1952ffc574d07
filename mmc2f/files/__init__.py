"""Reading and writing files that people and programs share.

What is read names file and row in its errors; what is written is whole, or
is not there.
"""

from mmc2f.files.csv_table import CsvTable, parse_csv, read_csv
from mmc2f.files.decoded_text import decode_text, read_text
from mmc2f.files.json_file import (
    parse_json_lines,
    read_json,
    read_json_lines,
    to_json_bytes,
    write_json,
)
from mmc2f.files.parquet_table import read_parquet, read_table
from mmc2f.files.whole_file import write_bytes, write_text, written_whole

__all__ = [
    'CsvTable',
    'decode_text',
    'parse_csv',
    'parse_json_lines',
    'read_csv',
    'read_json',
    'read_json_lines',
    'read_parquet',
    'read_table',
    'read_text',
    'to_json_bytes',
    'write_bytes',
    'write_json',
    'write_text',
    'written_whole',
]
