"""After a training the first command that re-ranks builds the gallery."""

import json

import pytest
from mmengine.config import Config

from mmc2f.retrieval import Gallery


@pytest.fixture
def image(images):
    return images / 'test' / 'blue' / '0.png'


def config_of(work_dir):
    return work_dir / 'tiny.py'


def test_it_is_built_once_and_kept(say, own_work_dir, image):
    first = say('predict', own_work_dir, image, '--json')
    assert first.code == 0, first.err
    path = own_work_dir / 'gallery.safetensors'
    assert path.is_file()
    assert 'no gallery yet' in first.err
    assert str(path) in first.last
    again = say('predict', own_work_dir, image, '--json')
    assert (again.code, again.err) == (0, '')
    assert again.out == first.out
    (answer,) = map(json.loads, first.out.splitlines())
    assert answer['neighbours']


def test_it_is_that_of_gallery_build(say, own_work_dir, image):
    path = own_work_dir / 'gallery.safetensors'
    say('predict', own_work_dir, image)
    first = Gallery.load(path)
    path.unlink()
    assert say('gallery', 'build', own_work_dir).code == 0
    built = Gallery.load(path)
    assert built.embeddings.equal(first.embeddings)
    assert built.labels.equal(first.labels)
    assert built.image_ids == first.image_ids


def test_explain_builds_it_too(say, own_work_dir, image, tmp_path):
    out = tmp_path / 'why.png'
    said = say('explain', own_work_dir, image, '--out', out, '--json')
    assert said.code == 0, said.err
    assert json.loads(said.out)['neighbours']


def test_no_rerank_builds_none(say, own_work_dir, image):
    said = say('predict', own_work_dir, image, '--no-rerank')
    assert (said.code, said.err) == (0, '')
    assert not (own_work_dir / 'gallery.safetensors').exists()


def test_a_config_that_does_not_rerank_builds_none(say, own_work_dir, image):
    cfg = Config.fromfile(config_of(own_work_dir))
    cfg.custom_hooks = [
        hook for hook in cfg.custom_hooks if 'ReRank' not in str(hook.type)
    ]
    cfg.dump(config_of(own_work_dir))
    said = say('predict', own_work_dir, image)
    assert (said.code, said.err) == (0, '')
    assert not (own_work_dir / 'gallery.safetensors').exists()


def test_training_images_that_are_gone(say, own_work_dir, image, images):
    config = config_of(own_work_dir)
    gone = str(own_work_dir / 'gone')
    config.write_text(config.read_text().replace(str(images), gone))
    said = say('predict', own_work_dir, image, '--json')
    assert said.code == 0
    assert 'nothing is re-ranked: ' in said.last
    assert 'neighbours' not in json.loads(said.out)


def test_a_gallery_that_cannot_be_kept(say, own_work_dir, image):
    (own_work_dir / 'gallery.safetensors').mkdir()
    said = say('predict', own_work_dir, image, '--json')
    assert said.code == 0
    assert 'the gallery is not kept: ' in said.last
    assert json.loads(said.out)['neighbours']
