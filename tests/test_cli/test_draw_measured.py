"""Pictures of ``mmc2f draw`` that a model sees its images for."""

import json
import shutil

import pytest
from PIL import Image

from mmc2f.cli.app import run


@pytest.fixture(scope='module')
def built(trained_work_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp('built') / 'work'
    shutil.copytree(trained_work_dir, folder)
    assert run(['gallery', 'build', str(folder), '--device', 'cpu']) == 0
    return folder


@pytest.mark.parametrize(
    ('words', 'name', 'least'),
    [
        (('map',), 'map.png', 1000),
        (('map', '--gallery-images', '--method', 'pca'), 'map.png', 1000),
        (('sweep',), 'sweep.png', 1000),
        (('clusters', '--num-clusters', '2'), 'clusters.png', 150),
        (('resolutions', '--resolution', '64'), 'resolutions.png', 500),
    ],
)
def test_each_picture_by_one_command(
    say, built, tmp_path, monkeypatch, words, name, least
):
    monkeypatch.chdir(tmp_path)
    kind, *options = words
    said = say('draw', kind, built, *options, '--device', 'cpu')
    assert said.code == 0, said.err
    assert said.out.splitlines()[0] == f'picture: {name}'
    with Image.open(tmp_path / name) as picture:
        assert min(picture.size) >= least


def test_numbers_behind_the_pictures(say, built, tmp_path):
    out = tmp_path / 'picture.png'
    asked = ('--json', '--out', out)
    told = json.loads(say('draw', 'sweep', built, *asked).out)
    assert told['images'] == 16 and told['topn'] == [2, 3, 4]
    told = json.loads(
        say(
            *('draw', 'resolutions', built, *asked),
            *('--resolution', '64', '--resolution', '8'),
        ).out
    )
    assert told['levels'] == ['class', 'group']
    assert told['resolutions'] == [64, 8]
    asked = (*asked, '--num-clusters', '2')
    told = json.loads(say('draw', 'clusters', built, *asked).out)
    assert len(told['classes'][1]) == 2 and told['picture'] == str(out)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('sweep', '{folder}'), 'gallery.safetensors'),
        (('map', '{folder}', '--gallery-images'), 'gallery.safetensors'),
        (('map', '{folder}', '--method', 'umap'), 'umap'),
        (('clusters', '{folder}', '--num-clusters', '9'), '9'),
        (('resolutions', 'gone'), 'gone'),
    ],
)
def test_wrong_input_is_one_sentence(say, work_dir, tmp_path, words, message):
    out = tmp_path / 'picture.png'
    asked = [word.format(folder=work_dir) for word in words]
    said = say('draw', *asked, '--out', out)
    assert said.code == 1
    assert said.out == ''
    assert said.last.startswith('mmc2f: error: ')
    assert message in said.last
    assert not out.exists()


def test_without_a_tree_there_are_no_levels(say, own_work_dir, monkeypatch):
    monkeypatch.setattr('mmc2f.apis.inferencer.label_tree', lambda model: None)
    said = say('draw', 'resolutions', own_work_dir)
    assert said.code == 1
    assert 'no tree of classes' in said.last
