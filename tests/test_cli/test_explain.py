"""``mmc2f explain``: a picture, and the same in words."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mmc2f.apis.reason_text import reason_sentences
from mmc2f.cli.app import run


@pytest.fixture(scope='session')
def built(trained_work_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp('built') / 'work'
    shutil.copytree(trained_work_dir, folder)
    assert run(['gallery', 'build', str(folder), '--device', 'cpu']) == 0
    return folder


@pytest.fixture
def image(images):
    return sorted(images.glob('test/cyan/*.png'))[0]


def test_picture_and_words(say, built, image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = say('explain', built, image)
    assert said.code == 0, said.err
    assert said.err == ''
    first, *sentences, last = said.out.splitlines()
    assert float(first.split()[-1]) > 0
    assert any('nearest gallery images are' in s for s in sentences)
    assert last == f'picture: explained_{image.stem}.png'
    with Image.open(tmp_path / f'explained_{image.stem}.png') as picture:
        assert min(picture.size) > 800


def test_json_has_all_of_it(say, built, image, tmp_path):
    out = tmp_path / 'why.pdf'
    said = say('explain', built, image, '--json', '--out', out)
    told = json.loads(said.out)
    assert told['picture'] == str(out)
    assert out.read_bytes().startswith(b'%PDF')
    assert len(told['neighbours']) == 8
    assert told['why'] == reason_sentences(told)
    assert {'boxes', 'levels', 'coarse', 'reranked'} <= told.keys()


def test_without_a_gallery(say, work_dir, image, tmp_path):
    out = tmp_path / 'why.png'
    said = say('explain', work_dir, image, '--no-rerank', '--out', out)
    assert said.code == 0
    assert 'there is no gallery' in said.out
    assert out.is_file()


def test_gallery_images_that_are_gone(say, built, image, tmp_path):
    copy = shutil.copytree(built, tmp_path / 'moved')
    config = copy / 'tiny.py'
    roots = str(image.parents[2])
    config.write_text(config.read_text().replace(roots, str(tmp_path)))
    out = tmp_path / 'why.png'
    said = say('explain', copy, image, '--out', out)
    assert said.code == 0, said.err
    assert '8 of 8 gallery images are not at hand' in said.err
    assert out.is_file()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('gone.jpg',), "no image 'gone.jpg'"),
        (('{bad}',), 'cannot be read'),
        (('{huge}',), 'pixels'),
        (('{image}', '--out', '{out}.xyz'), "called '.xyz'"),
        (('{image}', '--out', '/dev/null/a.png'), 'not written'),
    ],
)
def test_wrong_input_is_one_sentence(
    say, work_dir, image, tmp_path, words, message
):
    bad, huge = tmp_path / 'bad.jpg', tmp_path / 'huge.png'
    bad.write_text('no image')
    Image.fromarray(np.zeros((10_001, 10_000), bool)).save(huge)
    files = dict(bad=bad, huge=huge, image=image, out=tmp_path / 'why')
    before = sorted(tmp_path.iterdir())
    said = say('explain', work_dir, *(w.format(**files) for w in words))
    assert said.code == 1
    assert said.out == ''
    assert message in said.last
    state = tmp_path / 'state'
    assert sorted({*tmp_path.iterdir()} - {state}) == sorted(
        {*before} - {state}
    )


ANSWER = dict(pred_class='raven', pred_score=0.9, coarse_class='crow')
REASON = dict(
    left_alone=None,
    changed=True,
    winner='raven',
    rival='crow',
    decided_by='votes',
    margins=dict(softmax=-0.1, votes=0.45),
)


@pytest.mark.parametrize(
    ('reason', 'expected'),
    [
        (
            {},
            [
                'Re-ranking puts raven before crow.',
                'The votes of the neighbours decided: 0.45 for it; '
                'the softmax: 0.10 against it.',
            ],
        ),
        (
            dict(changed=False, decided_by='softmax', margins=dict(softmax=1)),
            [
                'Re-ranking leaves raven first, before crow.',
                'The softmax decided: 1.00 for it.',
            ],
        ),
        (
            dict(left_alone='no neighbour is near', decided_by=None),
            ['The answer before re-ranking stays: no neighbour is near.'],
        ),
        (
            dict(decided_by='coarse order', changed=False),
            [
                'Re-ranking leaves raven first, before crow.',
                'Their scores are equal, so their order before counts.',
            ],
        ),
        (
            dict(rival=None, decided_by=None),
            ['raven is the only class that takes part.'],
        ),
        (
            dict(
                decided_by=None,
                only_in_gallery=[dict(**{'class': 'raven'}, share=0.8)],
            ),
            [
                'Re-ranking puts raven before crow.',
                'raven is known from the gallery only; its class mean gives '
                'it 0.80 of the probability.',
            ],
        ),
    ],
)
def test_reasons_in_words(reason, expected):
    assert reason_sentences({**ANSWER, 'reason': {**REASON, **reason}}) == (
        expected
    )


def test_how_sure_it_is_in_words():
    sure = dict(level='genus', probability=0.91, **{'class': 'Corvus'})
    assert reason_sentences({**ANSWER, 'finest_sure': sure})[1:] == [
        'Sure enough down to the level genus: Corvus (0.91).'
    ]
    assert reason_sentences({**ANSWER, 'finest_sure': None})[1:] == [
        'No level of the tree is sure enough.'
    ]
