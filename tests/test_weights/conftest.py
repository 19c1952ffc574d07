import pytest

from mmc2f.weights import trust_files


@pytest.fixture
def trusted():
    """Files may run code, for the time of a test."""
    trust_files()


@pytest.fixture
def marker(tmp_path):
    """What a crafted file makes when its code is run."""
    return tmp_path / 'marker'
