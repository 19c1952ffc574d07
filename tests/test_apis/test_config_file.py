import pytest

from mmc2f.apis.config_file import config_file


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('configs/ccfr_fonts', 'configs/ccfr_fonts.py'),
        ('configs/ccfr_fonts.py', 'configs/ccfr_fonts.py'),
        ('a.b/dumped.json', 'a.b/dumped.json'),
        ('a.b/ccfr_fonts', 'a.b/ccfr_fonts.py'),
    ],
)
def test_a_name_without_suffix_means_the_python_file(name, file):
    assert config_file(name) == file
