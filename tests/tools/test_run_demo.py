"""The order of the demo; its parts are tested by themselves."""

import subprocess

import pytest
from tool_helpers import ROOT, load_tool

demo = load_tool('demo/run_demo.py')


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Commands instead of processes; the training leaves a checkpoint."""
    commands = []

    def start(command, **kwargs):
        assert kwargs['cwd'] == ROOT
        assert kwargs['check']
        commands.append([str(word) for word in command[1:]])
        for folder in (tmp_path, tmp_path / 'plain'):
            folder.mkdir(exist_ok=True)
            (folder / 'last_checkpoint').write_text('epoch_14.pth\n')

    monkeypatch.setattr(subprocess, 'run', start)
    return commands


def test_runs_all_of_it_in_order(started, tmp_path):
    (tmp_path / 'gallery.safetensors').write_text('of older weights')
    option = 'train_dataloader.num_workers=0'
    demo.main(['--work-dir', str(tmp_path), '--cfg-options', option])
    assert [command[0] for command in started] == [
        'tools/dataset_converters/make_fonts.py',
        'tools/train.py',
        'tools/test.py',
        'tools/train.py',
        'tools/test.py',
        'tools/draw_predictions.py',
        'tools/draw_predictions.py',
        'tools/results_table.py',
    ]
    assert all((ROOT / command[0]).is_file() for command in started)
    make, _, coarse, _, reranked, *draw, table = started
    assert make[1] == str(ROOT / 'data' / 'fonts')
    assert all(option in command for command in started[1:-1])
    configs = [command[1] for command in started[1:-1]]
    assert configs == 2 * [demo.BASELINE] + 4 * [demo.CONFIG]
    assert coarse[2] == reranked[2] == 'epoch_14.pth'
    assert '--no-rerank' in coarse
    assert '--no-rerank' not in reranked
    out = reranked[reranked.index('--out') + 1]
    assert all(command[2] == out for command in draw)
    assert table[1:] == [str(tmp_path / 'plain'), str(tmp_path)]
    assert not (tmp_path / 'gallery.safetensors').exists()


def test_options_are_those_of_the_tools(started, tmp_path):
    demo.main(['--work-dir', str(tmp_path), '--cfg-options', 'a=1'])
    for script, *args in started[1:-1]:
        load_tool(script.removeprefix('tools/')).parse_args(args)


def test_stops_where_a_part_fails(monkeypatch, tmp_path):
    def fail(command, **kwargs):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, 'run', fail)
    with pytest.raises(subprocess.CalledProcessError):
        demo.main(['--work-dir', str(tmp_path)])


def test_allocator_keeps_its_memory_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv('MALLOC_MMAP_MAX_', raising=False)
    assert demo.environment()['MALLOC_MMAP_MAX_'] == '0'
    monkeypatch.setenv('MALLOC_MMAP_MAX_', '7')
    assert demo.environment()['MALLOC_MMAP_MAX_'] == '7'


def test_data_of_the_user_are_left_alone(monkeypatch):
    monkeypatch.setenv('MMC2F_DATA', 'elsewhere')
    assert demo.environment()['MMC2F_DATA'] == str(ROOT / 'data')
