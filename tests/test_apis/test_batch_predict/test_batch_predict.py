"""A batch prediction whose driver and worker are killed, on Ray."""

import os
import signal
import subprocess
import sys
import time
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
from mmc2f.files import read_json

pytest.importorskip('ray', reason="needs 'mmc2f[scale]'")
pq = pytest.importorskip('pyarrow.parquet', reason="needs 'mmc2f[scale]'")

ROOT = Path(__file__).parents[3]
# Enough that a run is killed before its end.
REPEATS, PART_SIZE = 40, 8
SECONDS = 600


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


def start(tested, source, out):
    """The tool in a process group of its own, with one worker."""
    command = [
        *(sys.executable, str(ROOT / 'tools' / 'batch_predict.py')),
        *(tested.config, tested.checkpoint, str(source), '--out', str(out)),
        *('--gallery', tested.gallery, '--part-size', str(PART_SIZE)),
        *('--batch-size', '4', '--gpus-per-worker', '0'),
    ]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )


def wait_for_parts(process, folder, known, count):
    """Parts that are new, once there are so many."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        new = set(folder.glob('part-*.parquet')) - set(known)
        if len(new) >= count:
            return new
        if process.poll() is not None:
            output = process.communicate()[0]
            if 'Ray did not start on this machine' in output:
                pytest.skip('this machine is too busy for Ray to start')
            pytest.fail(output)
        time.sleep(0.01)
    process.kill()
    pytest.fail(f'no new part in {SECONDS} s: {process.communicate()[0]}')


def test_kills_lose_nothing_and_repeat_nothing(tested, tmp_path):
    once = names_below(tested.images)
    names = [name for name in once * REPEATS if name.isascii()]
    source, out = tmp_path / 'list.csv', tmp_path / 'out'
    source.write_text('\n'.join(['image', *names]))
    predictions = out / 'predictions'

    driver = start(tested, source, out)
    finished = wait_for_parts(driver, predictions, (), 3)
    driver.kill()
    driver.communicate()
    # A worker ends its part before it notices.
    time.sleep(1)
    finished |= set(predictions.glob('part-*.parquet'))
    assert len(finished) < len(names) // PART_SIZE
    assert not (out / 'summary.json').exists()
    before = {path: path.stat().st_mtime_ns for path in finished}

    driver = start(tested, source, out)
    new = wait_for_parts(driver, predictions, finished, 1).pop()
    writer = pq.read_schema(new).metadata[b'mmc2f.written_by'].decode()
    worker = int(writer.rpartition(':')[2])
    assert worker != driver.pid
    os.kill(worker, signal.SIGKILL)
    output, _ = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 0, output

    parts = sorted(predictions.iterdir())
    writers = {pq.read_schema(p).metadata[b'mmc2f.written_by'] for p in parts}
    # One a run, and one in place of the one that was killed.
    assert len(writers) == 3
    assert {path: path.stat().st_mtime_ns for path in finished} == before
    answers = list(read_answers(parts))
    assert [answer['index'] for answer in answers] == [*range(len(names))]
    assert [answer['image'] for answer in answers] == names
    summary = read_json(out / 'summary.json')
    assert summary['num_images'] == len(names)
    assert summary['num_errors'] == REPEATS
    assert summary['num_kept'] == len(finished)
    assert f'{REPEATS} of them could not be read' in output
    expected = tested.inferencer(gallery=tested.gallery)(once)
    classes = {a['image']: a.get('pred_class') for a in expected}
    assert all(classes[a['image']] == a.get('pred_class') for a in answers)


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
