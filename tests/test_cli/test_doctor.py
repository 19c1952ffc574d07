"""``mmc2f doctor`` where all is well, and where something is missing."""

import json
from importlib import metadata

import pytest

from mmc2f.apis import self_test
from mmc2f.cli import installation

REQUIRES = [
    'torch>=2',
    'numpy>=99',
    'no-such-package>=1.5',
    "of-another-python; python_version < '3'",
    "simple-optional; extra == 'optional'",
]


@pytest.fixture
def required(monkeypatch):
    """What the metadata of mmc2f ask for."""
    monkeypatch.setattr(metadata, 'requires', lambda name: REQUIRES)


def checks(said):
    return {part['name']: part for part in json.loads(said.out)['checks']}


def test_all_is_well_here(say, monkeypatch):
    monkeypatch.setattr(metadata, 'requires', lambda name: ['torch>=2'])
    said = say('doctor')
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == 'mmc2f can be used.'
    assert said.err == ''
    assert 'self-test: build' in said.out


def test_names_what_is_missing_and_what_mends_it(say, required):
    said = say('doctor', '--json')
    assert said.code == 1
    assert json.loads(said.out)['ok'] is False
    found = checks(said)
    assert found['torch']['status'] == 'ok'
    assert found['no-such-package'] == dict(
        name='no-such-package',
        status='wrong',
        found='not installed',
        mend="pip install 'no-such-package>=1.5'",
    )
    assert 'but >=99 is needed' in found['numpy']['found']
    assert 'of-another-python' not in found
    assert found['extra optional']['status'] == 'absent'
    assert found['extra optional']['mend'] == "pip install 'mmc2f[optional]'"
    # Nothing is imported where it would fail.
    assert 'self-test' not in found


def test_names_what_is_wrong_on_the_last_line(say, required):
    said = say('doctor')
    assert said.last == 'mmc2f: error: not usable: numpy, no-such-package'


@pytest.mark.parametrize(
    ('installed', 'family', 'mend'),
    [
        ({}, 'not installed', "pip install 'onedl-mmengine>=0.10'"),
        (
            {
                'onedl-mmengine': '0.10.12',
                'onedl-mmcv': '2.3.6',
                'mmcv-lite': '2.2',
                'onedl-mmpretrain': '1.3.6',
            },
            'installed over each other',
            'pip uninstall -y',
        ),
    ],
)
def test_a_host_that_is_not_usable(say, monkeypatch, installed, family, mend):
    monkeypatch.setattr(installation, 'find_host', lambda: installed)
    said = say('doctor', '--json')
    assert said.code == 1
    host = checks(said)['OpenMMLab']
    assert family in host['found']
    assert host['mend'].startswith(mend)


def test_original_family_is_named(say, monkeypatch):
    original = {
        'mmengine': '0.10.7',
        'mmcv-lite': '2.2.0',
        'mmpretrain': '1.2.0',
    }
    monkeypatch.setattr(installation, 'find_host', lambda: original)
    said = say('doctor', '--no-self-test')
    assert 'original family: mmengine 0.10.7' in said.out


def test_a_folder_that_is_not_installed(say, monkeypatch):
    def unknown(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, 'requires', unknown)
    said = say('doctor', '--no-self-test', '--json')
    assert said.code == 1
    assert checks(said)['requirements']['mend'].startswith('pip install -e')


def test_a_broken_part_fails_the_self_test(say, monkeypatch):
    monkeypatch.setattr(metadata, 'requires', lambda name: [])
    monkeypatch.setattr(self_test, 'SAME', 1.5)
    said = say('doctor')
    assert said.code == 1
    assert 'WRONG  self-test: RuntimeError: image 0 finds' in said.out
    assert said.last == 'mmc2f: error: not usable: self-test'
