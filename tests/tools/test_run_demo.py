"""The order of the demo; its parts are tested by themselves."""

import subprocess
import threading

import pytest
from tool_helpers import ROOT, load_tool

demo = load_tool('demo/run_demo.py')


class FakeProcess:
    """Ends at once, with the code that was asked for."""

    def __init__(self, returncode=0):
        self.returncode = returncode
        self.ended = threading.Event()

    def wait(self):
        return self.returncode

    def terminate(self):
        self.returncode = -15
        self.ended.set()


class WaitingProcess(FakeProcess):
    """Ends when it is terminated."""

    def wait(self):
        assert self.ended.wait(timeout=30)
        return self.returncode


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Commands instead of processes; the training leaves a checkpoint."""
    commands = []
    # Once: the models run side by side, and one reads while the other writes.
    for folder in (tmp_path, tmp_path / 'plain'):
        folder.mkdir(exist_ok=True)
        (folder / 'last_checkpoint').write_text('gone/epoch_14.pth\n')
        (folder / 'epoch_14.pth').touch()

    def start(command, **kwargs):
        assert kwargs['cwd'] == ROOT
        commands.append([str(word) for word in command[1:]])
        return FakeProcess()

    monkeypatch.setattr(subprocess, 'Popen', start)
    return commands


def test_runs_all_of_it_in_order(started, tmp_path):
    (tmp_path / 'gallery.safetensors').write_text('of older weights')
    option = 'train_dataloader.num_workers=0'
    demo.main(['--work-dir', str(tmp_path), '--cfg-options', option])
    assert all((ROOT / command[0]).is_file() for command in started)
    # Side by side, so in any order among each other.
    beside = [c for c in started if c[1] == demo.BASELINE]
    make, *shown, table = [c for c in started if c[1] != demo.BASELINE]
    train, test = 'tools/train.py', 'tools/test.py'
    assert [command[0] for command in beside] == [train, test]
    assert [command[0] for command in shown] == [
        *(train, test),
        *('tools/draw_predictions.py', 'tools/draw_predictions.py'),
    ]
    assert make[0] == 'tools/dataset_converters/make_fonts.py'
    assert make[1] == str(ROOT / 'data' / 'fonts')
    assert table[0] == 'tools/results_table.py'
    assert all(option in command for command in beside + shown)
    assert {command[1] for command in shown} == {demo.CONFIG}
    coarse, (_, reranked, *draw) = beside[1], shown
    assert coarse[2] == str(tmp_path / 'plain' / 'epoch_14.pth')
    assert reranked[2] == str(tmp_path / 'epoch_14.pth')
    assert '--no-rerank' in coarse
    assert '--no-rerank' not in reranked
    assert '--annotations' not in coarse
    assert reranked[reranked.index('--annotations') + 1] == make[1]
    out = reranked[reranked.index('--out') + 1]
    assert all(command[2] == out for command in draw)
    assert table[1:] == [str(tmp_path / 'plain'), str(tmp_path)]
    assert not (tmp_path / 'gallery.safetensors').exists()


def test_options_are_those_of_the_tools(started, tmp_path):
    demo.main(['--work-dir', str(tmp_path), '--cfg-options', 'a=1'])
    tables = ('make_fonts.py', 'results_table.py')
    for script, *args in started:
        if script.endswith(tables):
            continue
        load_tool(script.removeprefix('tools/')).parse_args(args)


def test_stops_where_a_part_fails(monkeypatch, tmp_path):
    """The classifier beside is stopped too."""
    beside = []

    def start(command, **kwargs):
        if demo.BASELINE in command:
            beside.append(WaitingProcess())
            return beside[-1]
        return FakeProcess(int('tools/train.py' in command))

    monkeypatch.setattr(subprocess, 'Popen', start)
    with pytest.raises(subprocess.CalledProcessError, match='ccfr_fonts'):
        demo.main(['--work-dir', str(tmp_path)])
    assert all(process.ended.is_set() for process in beside)


def test_names_the_log_where_the_classifier_beside_fails(
    monkeypatch, tmp_path
):
    (tmp_path / 'last_checkpoint').write_text('epoch_14.pth\n')
    (tmp_path / 'epoch_14.pth').touch()

    def start(command, **kwargs):
        return FakeProcess(int(demo.BASELINE in command))

    monkeypatch.setattr(subprocess, 'Popen', start)
    with pytest.raises(SystemExit, match=r'plain/demo\.log'):
        demo.main(['--work-dir', str(tmp_path)])


def test_cores_are_shared_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(demo.os, 'cpu_count', lambda: 5)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    assert demo.environment()['OMP_NUM_THREADS'] == '2'
    monkeypatch.setattr(demo.os, 'cpu_count', lambda: 1)
    assert demo.environment()['OMP_NUM_THREADS'] == '1'
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    assert demo.environment()['OMP_NUM_THREADS'] == '7'


def test_allocator_keeps_its_memory_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv('MALLOC_MMAP_MAX_', raising=False)
    assert demo.environment()['MALLOC_MMAP_MAX_'] == '0'
    monkeypatch.setenv('MALLOC_MMAP_MAX_', '7')
    assert demo.environment()['MALLOC_MMAP_MAX_'] == '7'


def test_an_installed_package_is_not_written_to(
    started, monkeypatch, tmp_path
):
    seen = []
    start = subprocess.Popen

    def note(command, **kwargs):
        seen.append(kwargs['env'])
        return start(command, **kwargs)

    monkeypatch.setattr(subprocess, 'Popen', note)
    data, weights = tmp_path / 'sets', tmp_path / 'weights'
    places = ['--data-dir', str(data), '--checkpoints', str(weights)]
    demo.main(['--work-dir', str(tmp_path), *places])
    assert {env['MMC2F_DATA'] for env in seen} == {str(data)}
    assert {env['MMC2F_CHECKPOINTS'] for env in seen} == {str(weights)}
    words = [word for command in started for word in command]
    assert str(data / 'fonts') in words
    assert not [word for word in words if word.startswith(str(demo.DATA))]


def test_data_of_the_user_are_left_alone(monkeypatch):
    monkeypatch.setenv('MMC2F_DATA', 'elsewhere')
    assert demo.environment()['MMC2F_DATA'] == str(ROOT / 'data')
