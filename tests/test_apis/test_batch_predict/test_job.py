"""What is finished, as the folder tells it."""

import pytest

from mmc2f.apis.batch_predict import Job, answer_table
from mmc2f.files import read_json, write_json

pytest.importorskip('pyarrow', reason="needs 'mmc2f[scale]'")

MADE_BY = {'checkpoint': 'abc', 'gallery': ''}
NAMES = [f'{i}.jpg' for i in range(7)]


def open_job(folder, names=NAMES, made_by=MADE_BY, part_size=3):
    return Job.open(folder, names, made_by, part_size, root=folder)


def write(job, part, num_errors=0):
    answers = [{'image': name} for name in job.images(part)]
    table = answer_table(answers, part * job.part_size)
    job.write(part, table, num_errors)


def test_parts_hold_each_image_once(tmp_path):
    job = open_job(tmp_path)
    assert len(job) == 3
    assert [n for part in range(3) for n in job.images(part)] == NAMES
    assert job.path('a.jpg') == str(tmp_path / 'a.jpg')
    assert job.path('/a.jpg') == '/a.jpg'
    assert job.path('s3://a/b.jpg') == 's3://a/b.jpg'


def test_goes_on_with_what_is_left(tmp_path):
    job = open_job(tmp_path)
    write(job, 1, num_errors=2)
    # The list is not read again, and its parts stay as they are.
    again = open_job(tmp_path, names=None, part_size=5)
    assert again == job
    assert again.remaining() == [0, 2]
    with pytest.raises(ValueError, match='2 of 3 parts are not finished'):
        again.finish(0)
    for part in (0, 2):
        write(again, part)
    summary = again.finish(num_kept=1)
    assert (summary.num_images, summary.num_errors) == (7, 2)
    assert read_json(tmp_path / 'summary.json')['num_kept'] == 1


def test_a_damaged_or_foreign_part_is_not_finished(tmp_path):
    job, other = open_job(tmp_path / 'a'), open_job(tmp_path / 'b')
    # Same number of images, other job.
    write(other, 0)
    job.part_file(0).parent.mkdir()
    job.part_file(0).write_bytes(other.part_file(0).read_bytes())
    job.part_file(1).write_bytes(other.part_file(0).read_bytes()[:-9])
    job.part_file(2).touch()
    assert job.remaining() == [0, 1, 2]


def test_other_settings_are_refused(tmp_path):
    open_job(tmp_path)
    with pytest.raises(ValueError, match='with another checkpoint: give'):
        open_job(tmp_path, made_by={**MADE_BY, 'checkpoint': 'def'})


def test_a_list_that_was_cut_short_does_not_count(tmp_path):
    def names():
        yield from NAMES[:5]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        open_job(tmp_path, names=names())
    assert not (tmp_path / 'plan.json').exists()
    assert len(open_job(tmp_path, names=NAMES[:1])) == 1
    assert [p.name for p in (tmp_path / 'inputs').iterdir()] == [
        'part-00000000.parquet'
    ]


def test_other_folders_are_refused(tmp_path):
    (tmp_path / 'predictions').mkdir()
    with pytest.raises(ValueError, match=r'predictions but no plan\.json'):
        open_job(tmp_path)
    write_json(tmp_path / 'plan.json', {'format': 'other'})
    with pytest.raises(ValueError, match='not the plan'):
        open_job(tmp_path)
    plan = dict(format='mmc2f.batch_predict', version=9)
    write_json(tmp_path / 'plan.json', plan)
    with pytest.raises(ValueError, match='of version 9'):
        open_job(tmp_path)
    with pytest.raises(ValueError, match='part_size must be at least 1'):
        open_job(tmp_path / 'new', part_size=0)
