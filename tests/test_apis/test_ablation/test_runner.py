"""What is run, what is not run again, and what goes on."""

import re

import pytest

from mmc2f.apis.ablation import finished_test, is_trained, jobs_of, run_all
from mmc2f.apis.ablation.record import available_cores


@pytest.fixture
def run(tools, tmp_path):
    """Runs all that a study still needs."""

    def run(study, **options):
        tests = [
            test
            for row in study.rows
            for test in jobs_of(study, row, tmp_path / 'root')
        ]
        return tests, run_all(tests, tools, **options)

    return run


def test_rows_share_trainings_and_tests(study, run, calls):
    rows = study(
        dict(name='a'),
        dict(name='the same', measure='accuracy/top1'),
        dict(name='other test', test_overrides=dict(right=3)),
        dict(name='other training', overrides=dict(right=4)),
        seeds=(0, 1),
    )
    tests, failed = run(rows)
    assert failed == {}
    expected = ['train 0', 'test 0', 'test 0', 'train 1', 'test 1', 'test 1']
    expected += ['train 0', 'test 0', 'train 1', 'test 1']
    assert calls() == expected
    assert len({test.folder for test in tests}) == 6
    assert all(is_trained(test.training) for test in tests)


def test_finished_ones_are_not_run_again(study, run, calls):
    run(study(dict(name='a')))
    run(study(dict(name='a')))
    assert calls() == ['train 0', 'test 0']
    run(study(dict(name='a', test_overrides=dict(right=1))))
    assert calls() == ['train 0', 'test 0', 'test 0']
    run(study(dict(name='a', overrides=dict(y=1))))
    assert calls()[3:] == ['train 0', 'test 0']


def test_changed_config_is_another_training(study, run, calls, tmp_path):
    run(study(dict(name='a')))
    rows = study(dict(name='a'))
    (tmp_path / 'plain.py').write_text('x = 2')
    run(rows)
    assert calls() == ['train 0', 'test 0'] * 2


def test_interrupted_training_goes_on(study, run, calls):
    rows = study(dict(name='a', overrides=dict(stop=1), seeds=(0, 1)))
    tests, failed = run(rows)
    assert list(failed) == [tests[1]]
    assert 'stopped half way' in str(failed[tests[1]])
    assert calls() == ['train 0', 'test 0', 'train 1']
    assert finished_test(tests[1]) is None
    assert run(rows) == (tests, {})
    lines = calls(whole=True)
    assert calls()[3:] == ['train 1', 'test 1']
    assert [('--resume' in line) for line in lines[3:]] == [True, False]
    record = finished_test(tests[1])
    # Both parts of the training, and the test.
    assert record.minutes == pytest.approx(4.5)
    assert '--resume' not in ''.join(record.commands)


def test_one_failure_does_not_stop_the_others(study, run, calls):
    tests, failed = run(
        study(
            dict(name='a', test_overrides=dict(broken=1)),
            dict(name='b'),
            dict(name='c', overrides=dict(stop=0)),
            dict(name='d', overrides=dict(stop=0), test_overrides=dict(z=1)),
            dict(name='e', overrides=dict(y=1)),
        )
    )
    # A training that failed is not tried again for each of its tests.
    assert set(failed) == {tests[0], tests[2], tests[3]}
    assert 'no such layer' in str(failed[tests[0]])
    assert str(tests[0].folder) in str(failed[tests[0]])
    assert calls().count('train 0') == 3


def test_tunes_before_the_test(study, run, calls):
    tests, failed = run(study(dict(name='a', tune=True)))
    assert not failed
    assert calls() == ['train 0', 'tune_rerank 0', 'test 0']
    commands = finished_test(tests[0]).commands
    names = [re.search(r'(\w+)\.py', c)[1] for c in commands]
    assert names == ['train', 'tune_rerank', 'test']
    assert tests[0].curves.read_text() == 'curves'


def test_jobs_share_the_cores(study, run, calls, monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    run(study(dict(name='a', seeds=(0, 1))), jobs=available_cores())
    assert sorted(calls()) == ['test 0', 'test 1', 'train 0', 'train 1']
    assert {line.split()[2] for line in calls(whole=True)} == {'1'}


def test_threads_of_the_environment_stay(study, run, calls, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    tests, _ = run(study(dict(name='a')), jobs=2)
    assert {line.split()[2] for line in calls(whole=True)} == {'3'}
    assert '3 threads' in finished_test(tests[0]).machine


def test_record_says_how_it_was_made(study, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = study(dict(name='a', overrides=dict(right=2), seeds=(3,)))
    tests, _ = run(rows)
    record = finished_test(tests[0])
    train, test = record.commands
    folder = f'root/plain-{tests[0].training.digest}/seed_3'
    assert train == (
        f'python tools/train.py plain.py --work-dir {folder} --no-validate '
        '--cfg-options randomness.seed=3 right=2'
    )
    assert test.startswith(
        f'python tools/test.py plain.py "$(cat {folder}/last_checkpoint)" '
        f'--work-dir {folder}/test-{tests[0].digest} --out '
    )
    assert record.seed == 3
    assert record.metrics == {'accuracy/top1': 50.0}
    assert record.minutes == pytest.approx(3.0)
    assert 'torch' in record.machine
    assert record.code.startswith('mmc2f ')


def test_record_without_its_predictions_is_not_finished(study, run, calls):
    tests, _ = run(study(dict(name='a')))
    tests[0].predictions.unlink()
    assert finished_test(tests[0]) is None


def test_wrong_override_names_its_row(study, tmp_path):
    rows = study(dict(name='a', overrides={'x.y': 1}))
    with pytest.raises(ValueError, match=r"own_study, row 'a': .*plain\.py"):
        jobs_of(rows, rows.rows[0], tmp_path)
