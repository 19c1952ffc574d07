"""``mmc2f draw``: each picture by one command."""

import json
import os
import shutil

import pytest
from PIL import Image

from mmc2f.cli.app import run


@pytest.fixture(scope='module')
def built(trained_work_dir, tmp_path_factory):
    """A work dir with a gallery, and no predictions."""
    folder = tmp_path_factory.mktemp('built') / 'work'
    shutil.copytree(trained_work_dir, folder)
    assert run(['gallery', 'build', str(folder), '--device', 'cpu']) == 0
    return folder


def size(path):
    with Image.open(path) as picture:
        return picture.size


@pytest.mark.parametrize('kind', ['boxes', 'confusion'])
def test_a_picture_of_the_answers_of_now(say, built, kind, tmp_path):
    out = tmp_path / 'new' / 'picture.png'
    said = say('draw', kind, built, '--out', out)
    assert said.code == 0, said.err
    assert said.err == ''
    assert f'picture: {out}' in said.out.splitlines()
    assert min(size(out)) > 300


def test_the_picture_is_called_as_the_command(
    say, built, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    said = say('draw', 'rerank', built, '--which', 'first')
    assert said.code == 0, said.err
    assert said.out == 'picture: rerank.png\n'
    assert min(size(tmp_path / 'rerank.png')) > 600


def answer(image, truth, coarse, reranked=None):
    record = dict(image=str(image), truth=truth)
    record['coarse'] = [{'class': coarse, 'probability': 0.6}]
    if reranked:
        record['reranked'] = [{'class': reranked, 'score': 0.6}]
        record['neighbours'] = []
    return record


@pytest.fixture
def left_behind(own_work_dir):
    """Writes predictions as a test leaves them, with their age."""

    def write(*records, seconds=60):
        path = own_work_dir / 'predictions.jsonl'
        path.write_text(''.join(json.dumps(r) + '\n' for r in records))
        then = (own_work_dir / 'epoch_3.pth').stat().st_mtime + seconds
        os.utime(path, (then, then))
        return own_work_dir

    return write


def test_predictions_of_a_test_are_taken(say, left_behind, tmp_path):
    # amber and dun are of one group.
    folder = left_behind(
        answer('a.png', 'amber', 'amber', 'dun'),
        answer('b.png', 'amber', 'blue', 'amber'),
    )
    out = tmp_path / 'confusion.png'
    said = say('draw', 'confusion', folder, '--json', '--out', out)
    assert said.code == 0, said.err
    assert 'predictions.jsonl' in said.err
    told = json.loads(said.out)
    shares = {'right': 0.5, 'wrong inside': 0.5, 'wrong across': 0.0}
    assert told['images'] == 2 and told['shares'] == shares
    assert told['confused']['amber'] == {'amber': 1, 'dun': 1}
    assert told['picture'] == str(out)
    said = say(
        *('draw', 'confusion', folder, '--json', '--no-rerank'),
        *('--out', out),
    )
    assert json.loads(said.out)['confused']['amber'] == {'amber': 1, 'blue': 1}


def test_predictions_older_than_the_weights_are_not(
    say, left_behind, tmp_path
):
    folder = left_behind(answer('a.png', 'amber', 'amber'), seconds=-60)
    out = tmp_path / 'confusion.png'
    said = say('draw', 'confusion', folder, '--json', '--out', out)
    assert json.loads(said.out)['images'] == 16
    assert said.err == ''


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('confusion', 'gone'), 'gone'),
        (('confusion', '{folder}', '--predictions', 'no.jsonl'), 'no.jsonl'),
        (('confusion', '{folder}', '--out', '{out}.xyz'), "'.xyz'"),
        (('boxes', '{folder}'), 'a.png has no regions'),
        (('rerank', '{folder}', '--which', 'odd'), "no cases 'odd'"),
        (('rerank', '{folder}', '--place', '7'), '1 of 2 predictions are'),
        (('rerank', '{folder}'), 'b.png is none of the 16 images'),
    ],
)
def test_wrong_input_is_one_sentence(
    say, left_behind, tmp_path, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path)
    folder = left_behind(
        answer('a.png', 'amber', 'amber', 'amber'),
        answer('b.png', 'amber', 'blue', 'amber'),
    )
    known = dict(folder=folder, out=tmp_path / 'picture')
    said = say('draw', *(word.format(**known) for word in words))
    assert said.code == 1
    assert said.out == ''
    assert said.last.startswith('mmc2f: error: ')
    assert message in said.last
    assert not list(tmp_path.glob('*.png'))


def test_a_model_of_other_classes_is_told(say, left_behind):
    folder = left_behind(answer('a.png', 'owl', 'owl'))
    said = say('draw', 'confusion', folder)
    assert said.code == 1
    assert "'owl', which is none of the 4" in said.last


def test_nothing_was_re_ranked(say, left_behind):
    folder = left_behind(answer('a.png', 'amber', 'amber'))
    said = say('draw', 'rerank', folder)
    assert said.code == 1
    assert 'mmc2f gallery build' in said.last


def test_an_empty_file_of_predictions(say, left_behind):
    said = say('draw', 'confusion', left_behind())
    assert said.code == 1
    assert 'predictions.jsonl holds no prediction' in said.last


def test_nothing_at_the_finest_level(say, left_behind):
    folder = left_behind({**answer('a.png', 'amber', 'amber'), 'level': 1})
    said = say('draw', 'confusion', folder)
    assert said.code == 1
    assert 'finest level' in said.last
