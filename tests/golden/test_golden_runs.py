"""Numbers, files and configs of an earlier version stay what they were."""

import json
from pathlib import Path

import golden_runs
import pytest
import torch
from tiny_ccfr import write_images


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """The runs' paths are relative, so that their files hold no others."""
    monkeypatch.chdir(tmp_path)
    write_images(Path('images'))


def records(name):
    path = golden_runs.GOLDEN / f'{name}.json'
    return json.loads(path.read_text(encoding='utf-8'))


def assert_recorded(found, expected, cpu):
    """Bit-equal on the recorded CPU, else to what other kernels round."""
    exact = cpu == golden_runs.cpu()
    tolerance = {} if exact else dict(rtol=1e-3, atol=1e-4)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        # More may be told than was then.
        assert one.keys() >= other.keys()
        for key, value in other.items():
            if exact:
                assert one[key] == value, key
                continue
            for a, b in zip(_rows(one[key]), _rows(value), strict=True):
                torch.testing.assert_close(a, b, **tolerance)


def _rows(value):
    """Tensors of a number, of a list, or of lists of unequal lengths."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [torch.tensor(row) for row in value]
    return [torch.tensor(value)]


@pytest.mark.parametrize('name', golden_runs.FAMILIES)
def test_trains_and_predicts_as_on_record(name):
    expected = records(name)
    found = golden_runs.train(golden_runs.config(name))
    assert len(found['losses']) == golden_runs.STEPS
    for key in ('losses', 'predictions'):
        assert_recorded(found[key], expected[key], expected['cpu'])


@pytest.mark.parametrize('name', golden_runs.RUNS)
def test_reads_an_old_checkpoint_and_its_gallery(name):
    expected = records(name)
    found = golden_runs.rerank(
        golden_runs.config(name),
        golden_runs.GOLDEN / f'{name}_end.pth',
        gallery_file=str(golden_runs.GOLDEN / f'{name}_gallery.safetensors'),
    )
    assert_recorded(found, expected['reranked'], expected['cpu'])


def test_records_say_something():
    for name in golden_runs.FAMILIES:
        kept = records(name)
        totals = [step['loss'] for step in kept['losses']]
        assert len(set(totals)) == len(totals) == golden_runs.STEPS
        if name not in golden_runs.RUNS:
            continue
        changed = [
            row['pred_score'] != row['coarse_score']
            for row in kept['reranked']
            if 'neighbour_labels' in row
        ]
        assert any(changed), name
