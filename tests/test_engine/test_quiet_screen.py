"""Pages of a runner's log are in its file, and not on the screen."""

import logging
import sys

import pytest
from tiny_ccfr import tiny_config, write_images

from mmc2f.engine import StrictRunner
from mmc2f.engine.quiet_screen import PAGES, keep_pages_in_file


@pytest.fixture
def runner(tmp_path, monkeypatch, capsys):
    """Makes a runner, and gives what is on the screen and in the file."""
    images = write_images(tmp_path / 'images')

    def make():
        cfg = tiny_config(images, tmp_path / 'work')
        cfg.log_level = 'INFO'
        capsys.readouterr()
        made = StrictRunner.from_cfg(cfg)
        made.logger.info('a line')
        screen = capsys.readouterr().out
        (log,) = (tmp_path / 'work').glob('*/*.log')
        return screen, log.read_text()

    return make


@pytest.mark.parametrize('verbose', [False, True])
def test_pages_are_in_the_file_alone(runner, monkeypatch, verbose):
    monkeypatch.delenv('MMC2F_VERBOSE', raising=False)
    if verbose:
        monkeypatch.setenv('MMC2F_VERBOSE', '1')
    screen, file = runner()
    assert 'a line' in screen and 'a line' in file
    for page in PAGES:
        assert page.strip() in file, page
        assert (page.strip() in screen) == verbose, page


def test_without_a_file_all_is_shown(capsys):
    logger = logging.Logger('alone')
    logger.addHandler(logging.StreamHandler(sys.stdout))
    keep_pages_in_file(logger)
    logger.info('Config:\nmodel = 1')
    assert 'model = 1' in capsys.readouterr().out
