import pytest
from tiny_ccfr import write_images


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Folder of tiny images with splits train, val and test."""
    return write_images(tmp_path_factory.mktemp('images'))
