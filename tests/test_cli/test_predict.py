"""``mmc2f predict`` on a tiny model."""

import io
import json

import pytest

from mmc2f import C2FInferencer


@pytest.fixture
def paths(images):
    return sorted(images.glob('test/*/*.png'))[::5]


def test_answers_are_those_of_the_inferencer(say, work_dir, paths):
    words = '--json', '--batch-size', '2', '--no-rerank'
    said = say('predict', work_dir, *paths, *words)
    assert said.code == 0
    assert said.err == ''
    answers = [json.loads(line) for line in said.out.splitlines()]
    expected = C2FInferencer(
        str(work_dir / 'tiny.py'), str(work_dir / 'epoch_3.pth'), device='cpu'
    )(list(map(str, paths)))
    assert [a['image'] for a in answers] == list(map(str, paths))
    for answer, other in zip(answers, expected, strict=True):
        assert answer['pred_class'] == other['pred_class']
        assert answer['pred_score'] == pytest.approx(
            other['pred_score'], rel=1e-4
        )


def test_a_line_for_each_image(say, work_dir, images):
    folder = images / 'test' / 'blue'
    said = say('predict', work_dir, folder, images / 'val' / '*' / '0.png')
    lines = [line.split('\t') for line in said.out.splitlines()]
    assert len(lines) == 8
    assert all(0 < float(score) <= 1 for _, _, score, *_ in lines)
    assert said.code == 0


def test_bad_files_are_named_and_stop_nothing(say, work_dir, paths, tmp_path):
    bad, empty = tmp_path / 'bad.jpg', tmp_path / 'empty'
    bad.write_text('no image')
    empty.mkdir()
    said = say('predict', work_dir, bad, paths[0], 'gone.jpg', empty, paths[1])
    assert said.code == 1
    assert len(said.out.splitlines()) == 2
    assert said.last == 'mmc2f: error: 3 of 5 inputs have no answer'
    for name, reason in (
        (bad, 'cannot be read'),
        ('gone.jpg', 'does not exist'),
        (empty, 'has no image'),
    ):
        line = next(x for x in said.err.splitlines() if str(name) in x)
        assert reason in line


def test_json_has_the_errors_too(say, work_dir, paths):
    said = say('predict', work_dir, 'gone.jpg', paths[0], '--json')
    first, second = map(json.loads, said.out.splitlines())
    assert first.keys() == {'image', 'error'}
    assert second['image'] == str(paths[0])
    assert said.code == 1


def test_paths_from_standard_input(say, work_dir, paths, monkeypatch):
    lines = ''.join(f'{path}\n' for path in paths)
    monkeypatch.setattr('sys.stdin', io.StringIO(lines + '\n'))
    said = say('predict', work_dir, '-')
    assert len(said.out.splitlines()) == len(paths)


def test_config_and_checkpoint_in_place_of_a_work_dir(say, work_dir, paths):
    config, weights = work_dir / 'tiny.py', work_dir / 'epoch_3.pth'
    said = say('predict', config, paths[0], '--checkpoint', weights)
    assert said.code == 0
    assert said.out == say('predict', work_dir, paths[0]).out


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('nothing.py',), 'there are no weights of nothing.py in work_dirs'),
        (('nothing.py', '--checkpoint', '{}/epoch_3.pth'), 'no config'),
        (('{}', '--checkpoint', 'gone.pth'), "no checkpoint 'gone.pth'"),
        (('{}', '--checkpoint', ''), 'no checkpoint'),
        (('{}', '--gallery', 'gone.safetensors'), 'no gallery file gone'),
        (('{}/..',), 'no work dir of a training'),
        (('{}', '--device', 'abacus'), 'abacus'),
    ],
)
def test_wrong_files_are_one_sentence(
    say, work_dir, paths, words, message, tmp_path
):
    place = work_dir
    if '..' in words[0]:
        place = tmp_path / 'a'
        place.mkdir()
    words = [word.format(place) for word in words]
    said = say('predict', words[0], paths[0], *words[1:])
    assert said.code == 1
    assert said.out == ''
    assert message in said.last
    assert said.last.startswith('mmc2f: error: ')


def test_a_checkpoint_of_another_config_is_refused(say, own_work_dir, paths):
    config = own_work_dir / 'tiny.py'
    text = config.read_text().replace('fpn_channels=8', 'fpn_channels=9')
    assert text != config.read_text()
    config.write_text(text)
    said = say('predict', own_work_dir, paths[0])
    assert said.code == 1
    assert 'epoch_3.pth' in said.last
    assert said.out == ''


def test_several_configs_are_not_guessed_at(say, own_work_dir, paths):
    (own_work_dir / 'other.py').touch()
    said = say('predict', own_work_dir, paths[0])
    assert said.code == 1
    assert 'other.py, tiny.py' in said.last


def test_sure_images_can_end_early(say, work_dir, paths):
    said = say('predict', work_dir, paths[0], '--json', '--cascade', '0')
    assert json.loads(said.out)['went_on'] is False
    said = say('predict', work_dir, paths[0], '--cascade', 'high')
    assert said.code == 2
    assert 'auto or a number in [0, 1]' in said.last
