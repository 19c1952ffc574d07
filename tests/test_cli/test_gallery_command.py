"""``mmc2f gallery`` on a tiny model."""

import json
import os

import pytest

from mmc2f.files.safetensors_file import DIGEST, read_tensors
from mmc2f.retrieval import Gallery


@pytest.fixture(scope='session')
def built(trained_work_dir, tmp_path_factory):
    """A work dir with a gallery, built by the command."""
    import shutil

    from mmc2f.cli.app import run

    folder = tmp_path_factory.mktemp('built') / 'work'
    shutil.copytree(trained_work_dir, folder)
    assert run(['gallery', 'build', str(folder), '--device', 'cpu']) == 0
    return folder


@pytest.fixture
def own(built, tmp_path):
    import shutil

    return shutil.copytree(built, tmp_path / 'own')


def facts(said):
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_build_holds_the_training_images(built, images):
    gallery = Gallery.load(built / 'gallery.safetensors')
    names = {str(p.relative_to(images)) for p in images.glob('train/*/*')}
    assert set(gallery.image_ids) == names
    assert gallery.fingerprint.keys() == {
        *('weights', 'pipeline', 'classes', 'images', 'image_files')
    }


def test_info(say, built):
    told = facts(say('gallery', 'info', built, '--json'))
    assert told['images'] == 16
    assert {part['images'] for part in told['classes']} == {4}
    assert told['only_in_gallery'] == told['without_image'] == []
    lines = say('gallery', 'info', built / 'gallery.safetensors').out
    assert '16 images' in lines
    assert '4 classes of 4 to 4 images' in lines


def test_a_new_class_answers_its_own_images(say, own, images):
    """No training, and no logit."""
    new = sorted(images.glob('test/cyan/*.png'))
    told = facts(
        say(
            *('gallery', 'add', own, *new, '--class', 'teal', '--new'),
            '--json',
        )
    )
    assert told['only_in_gallery'] == ['teal']
    assert told['images'] == 20
    answer = facts(say('predict', own, new[0], '--json'))
    assert answer['neighbours'][0]['image'] == str(new[0])
    assert answer['neighbours'][0]['class'] == 'teal'
    assert [c['class'] for c in answer['reranked'][:3]].count('teal') == 1
    (share,) = answer['reason']['only_in_gallery']
    assert share['class'] == 'teal' and 0 < share['share'] < 1
    assert {c['class']: c['probability'] for c in answer['coarse']}.get(
        'teal', 0
    ) == 0


def test_add_and_remove_leave_the_gallery_as_it_was(say, own, built, images):
    new = sorted(images.glob('test/cyan/*.png'))
    say('gallery', 'add', own, *new[:1], '--class', 'cyan')
    said = say('gallery', 'remove', own, '--image', os.path.abspath(new[0]))
    assert said.code == 0
    before, after = (
        read_tensors(folder / 'gallery.safetensors')[1]
        for folder in (built, own)
    )
    # An edited gallery no longer tells what its files held.
    made_by = json.loads(before['fingerprint'])
    assert made_by.pop('image_files')
    assert before.pop(DIGEST) != after.pop(DIGEST)
    assert before | {'fingerprint': json.dumps(made_by)} == after


def test_out_leaves_the_old_gallery_alone(say, own, built, tmp_path):
    out = tmp_path / 'small.safetensors'
    said = say('gallery', 'remove', own, '--class', 'dun', '--out', out)
    assert 'without an image: dun' in said.out
    assert len(Gallery.load(out)) == 12
    assert len(Gallery.load(own / 'gallery.safetensors')) == 16


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('info', 'gone'), 'no gallery file gone'),
        (('info', '{}/epoch_3.pth'), 'not a whole safetensors gallery'),
        (('remove', '{}'), 'nothing is named'),
        (('remove', '{}', '--class', 'x'), 'no class x'),
        (('remove', '{}', '--image', 'x'), 'no image x'),
        (('add', '{}', 'gone.jpg', '--class', 'dun'), 'does not exist'),
        (('add', '{}', '{}/tiny.py', '--class', 'dun'), 'cannot be read'),
        (('add', '{}', '{}/tiny.py', '--class', 'dum', '--new'), 'tiny.py'),
        (('add', '{}', '{image}', '--class', 'dum'), 'do you mean dun?'),
        (('build', '{}', '--gallery', '/dev/null/g'), 'not written'),
    ],
)
def test_wrong_input_is_one_sentence_and_changes_nothing(
    say, own, images, words, message
):
    image = next(images.glob('test/cyan/*.png'))
    before = {p: p.read_bytes() for p in own.iterdir() if p.is_file()}
    said = say(
        'gallery',
        *(
            w.replace('{}', str(own)).replace('{image}', str(image))
            for w in words
        ),
    )
    assert said.code == 1
    assert said.out == ''
    assert message in said.last
    after = {p: p.read_bytes() for p in own.iterdir() if p.is_file()}
    assert after == before


def test_a_gallery_of_other_weights_is_refused(say, own, images):
    import torch

    path = own / 'epoch_3.pth'
    content = torch.load(path, weights_only=True)
    weight = content['state_dict']['head.fc.weight']
    content['state_dict']['head.fc.weight'] = weight + 1
    torch.save(content, path)
    image = next(images.glob('test/cyan/*.png'))
    for words in (
        ('predict', own, image),
        ('explain', own, image),
        ('gallery', 'add', own, image, '--class', 'dun'),
    ):
        said = say(*words)
        assert said.code == 1
        assert 'weights' in said.last and 'differs' in said.last
