"""The site is built without a warning, and nothing public is missing in it."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmc2f import registry

REASON = "install the extra docs to build the site: pip install -e '.[docs]'"
pytest.importorskip('myst_parser', reason=REASON)
pytest.importorskip('furo', reason=REASON)
inventory = pytest.importorskip('sphinx.util.inventory', reason=REASON)

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    """The site, as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp('site')
    words = ['-W', '--keep-going', '-q', '-b', 'html']
    done = subprocess.run(
        [sys.executable, '-m', 'sphinx', *words, 'docs', str(folder)],
        cwd=ROOT,
        env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''},
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope='module')
def described(site) -> set[str]:
    """Last parts of the names of all classes and functions in it."""
    with (site / 'objects.inv').open('rb') as file:
        objects = inventory.InventoryFile.load(file, '', os.path.join)
    kinds = ('py:class', 'py:exception', 'py:function', 'py:data')
    names = (name for kind in kinds for name in objects.get(kind, {}))
    return {name.rpartition('.')[2] for name in names}


def test_every_registered_part_is_described(described):
    for node in (getattr(registry, name) for name in registry.__all__):
        node.import_from_location()
        ours = {
            part.__name__
            for part in node.module_dict.values()
            if part.__module__.startswith('mmc2f.')
        }
        assert ours <= described, node.name


@pytest.mark.parametrize('name', ['functional', 'retrieval', 'engine'])
def test_every_public_name_is_described(described, name):
    module = importlib.import_module(f'mmc2f.{name}')
    assert set(module.__all__) <= described


def test_the_help_of_programs_is_in_it(site):
    page = (site / 'tools.html').read_text()
    assert '--strict-data' in page and '--cascade' in page
    assert 'usage: train.py' in page


def test_links_to_code_lead_to_it(site):
    """A page links a file beside ``docs`` as on a code host."""
    held = {path.name for path in (site / '_downloads').rglob('*.*')}
    assert {'ccfr.py', 'rerank.py', 'constraints.txt'} <= held
