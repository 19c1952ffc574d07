"""Parts of a batch prediction against the inferencer."""

import os
import sys
from pathlib import Path

import pytest
from tested_run import PIPELINE, TestedRun
from tiny_ccfr import tiny_config, write_images

from mmc2f.apis import WorkDirInUse, lock_work_dir
from mmc2f.apis.batch_predict import (
    Job,
    PartPredictor,
    PredictionSettings,
    RayOptions,
    batch_predict,
    read_answers,
)
from mmc2f.apis.batch_predict import batch_predict as package_function
from mmc2f.apis.batch_predict.answer_table import printable

pytest.importorskip('ray', reason="needs 'mmc2f[scale]'")
pq = pytest.importorskip('pyarrow.parquet', reason="needs 'mmc2f[scale]'")


@pytest.fixture(scope='module')
def tested(tmp_path_factory):
    images = write_images(tmp_path_factory.mktemp('images'))
    folder = tmp_path_factory.mktemp('ccfr')
    cfg = tiny_config(images, folder)
    cfg.test_dataloader.dataset.pipeline = PIPELINE
    run = TestedRun(cfg, folder)
    run.images = images / 'test'
    (run.images / 'damaged.png').write_bytes(b'\x89PNG cut short')
    odd = os.fsencode(run.images) + b'/\xff.png'
    Path(os.fsdecode(odd)).write_bytes(
        (run.images / 'amber' / '0.png').read_bytes()
    )
    return run


@pytest.fixture
def settings(tested):
    return PredictionSettings(
        config=tested.cfg.to_dict(),
        checkpoint=tested.checkpoint,
        gallery=tested.gallery,
        batch_size=4,
    )


def names_below(folder):
    return sorted(str(path) for path in folder.rglob('*.png'))


def test_a_part_has_the_answers_of_the_inferencer(tested, settings, tmp_path):
    names = names_below(tested.images) + [str(tested.images / 'gone.png')]
    job = Job.open(tmp_path, names, {}, part_size=len(names))
    predict = PartPredictor(job, settings)
    assert predict({'part': 0}) == {'part': 0, 'error': ''}
    answers = list(read_answers([job.part_file(0)]))
    assert [answer.pop('index') for answer in answers] == [*range(len(names))]
    expected = tested.inferencer(gallery=tested.gallery)(names, batch_size=4)
    gone = expected.pop()
    assert answers.pop()['image'] == gone['image']
    assert answers == printable(expected)
    errors = [answer for answer in answers if 'error' in answer]
    assert [Path(answer['image']).name for answer in errors] == ['damaged.png']
    assert job.count_errors(0) == 2
    # What is finished is not done again.
    predict.settings = None
    assert predict({'part': 0}) == {'part': 0, 'error': ''}


def test_names_are_images_and_no_patterns(tested, settings, tmp_path):
    names = ['*.png', '.']
    job = Job.open(tmp_path, names, {}, 9, root=tested.images)
    answers = list(PartPredictor(job, settings).answers(names))
    assert [answer['image'] for answer in answers] == names
    assert all('cannot be read' in answer['error'] for answer in answers)


def test_what_the_user_can_mend_is_a_sentence(tested, settings, tmp_path):
    job = Job.open(tmp_path, names_below(tested.images), {}, 5)
    wrong = PredictionSettings(settings.config, str(tmp_path / 'gone.pth'))
    row = PartPredictor(job, wrong)({'part': 0})
    assert 'gone.pth' in row['error']
    assert job.remaining()[0] == 0


def test_settings_are_checked_before_ray_starts(
    tested, settings, tmp_path, monkeypatch
):
    def predict_parts(*args):
        raise AssertionError('Ray was started')

    module = sys.modules[package_function.__module__]
    monkeypatch.setattr(module, 'predict_parts', predict_parts)
    out = tmp_path / 'out'

    def run(settings, source=tested.images):
        return batch_predict(source, out, settings, RayOptions())

    with pytest.raises(FileNotFoundError, match=r'gone\.pth'):
        run(PredictionSettings(settings.config, str(tmp_path / 'gone.pth')))
    with pytest.raises(FileNotFoundError, match='no list or folder'):
        run(settings, tmp_path / 'none')
    with pytest.raises(AssertionError):
        run(settings)
    other = PredictionSettings(settings.config, settings.checkpoint)
    with pytest.raises(
        ValueError, match='with another gallery, num_neighbours'
    ):
        run(PredictionSettings(**vars(other) | dict(num_neighbours=3)))
    with (
        lock_work_dir(out, 'prediction', '--out'),
        pytest.raises(AssertionError),
    ):
        # Of the same process: its own lock does not keep it out.
        run(settings)
    assert issubclass(WorkDirInUse, OSError)
