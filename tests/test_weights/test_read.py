"""What is read of a checkpoint, and what is refused."""

import io
import os
import pickle

import pytest
import torch
from crafted_files import Payload, write_crafted
from mmengine.runner.checkpoint import get_torch_safe_globals
from safetensors.torch import save_file

from mmc2f.weights import UntrustedFileError, read_checkpoint

WEIGHTS = {'a.weight': torch.arange(3.0)}


def refused(path, error=UntrustedFileError):
    """The sentence that names the file."""
    with pytest.raises(error) as caught:
        read_checkpoint(path)
    text = str(caught.value)
    assert str(path) in text
    assert len(text.splitlines()) == 1
    assert len(text) < 100 + 2 * len(str(path)) + 200
    return text


@pytest.mark.parametrize('legacy', [False, True])
def test_code_is_refused(tmp_path, marker, legacy):
    path = write_crafted(tmp_path / 'a.pth', marker, WEIGHTS, legacy)
    text = refused(path)
    assert 'exec beside tensors' in text
    assert '--trust' in text
    assert not marker.exists()


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_bare_pickle_is_refused(tmp_path, marker, protocol):
    path = tmp_path / 'a.pth'
    path.write_bytes(pickle.dumps(Payload(marker), protocol))
    # The first protocols are text, which no checkpoint is.
    refused(path, ValueError)
    assert not marker.exists()


@pytest.mark.usefixtures('trusted')
def test_trusted_code_is_run(tmp_path, marker):
    path = write_crafted(tmp_path / 'a.pth', marker, WEIGHTS)
    content = read_checkpoint(path)
    assert content['state_dict']['a.weight'].tolist() == [0, 1, 2]
    assert marker.exists()


class Getattr:
    def __reduce__(self):
        return getattr, (slice, '__init__')


def test_allowlist_of_mmengine_is_not_used(tmp_path):
    """With getattr it reaches every attribute of every allowed type."""
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': {}, 'a': Getattr()}, path)
    with torch.serialization.safe_globals(get_torch_safe_globals()):
        torch.load(path, weights_only=True)
    assert 'getattr' in refused(path)


def test_torchscript_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    torch.jit.script(torch.nn.Linear(1, 1)).save(path)
    assert 'more than tensors' in refused(path)


def test_tensors_and_plain_values_are_read(tmp_path):
    meta = dict(epoch=3, classes=('a', 'b'), seen=None)
    torch.save(dict(state_dict=WEIGHTS, meta=meta), tmp_path / 'a.pth')
    content = read_checkpoint(str(tmp_path / 'a.pth'), 'cpu')
    assert content['meta'] == meta
    assert torch.equal(content['state_dict']['a.weight'], torch.arange(3.0))


def test_config_that_mmengine_would_run_is_left_out(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict={}, meta=dict(config='x', cfg='y')), path)
    assert read_checkpoint(path)['meta'] == dict(cfg='y')


@pytest.mark.usefixtures('trusted')
def test_config_of_a_trusted_file_stays(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict={}, meta=dict(config='x')), path)
    assert read_checkpoint(path)['meta'] == dict(config='x')


@pytest.mark.parametrize('map_location', [None, 'cpu', torch.device('cpu')])
def test_safetensors(tmp_path, map_location):
    save_file(WEIGHTS, tmp_path / 'a.safetensors')
    content = read_checkpoint(tmp_path / 'a.safetensors', map_location)
    assert list(content) == ['state_dict']
    assert content['state_dict']['a.weight'].tolist() == [0, 1, 2]


def saved(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def with_another_bit(content):
    place = content.index(WEIGHTS['a.weight'].numpy().tobytes())
    return content[:place] + b'\x01' + content[place + 1 :]


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        (
            'a.pth',
            with_another_bit(saved(dict(state_dict=WEIGHTS))),
            'is damaged: the checksum of ',
        ),
        ('a.pth', b'', 'is empty'),
        ('a.pth', b'<html>not found</html>', 'is no checkpoint'),
        ('a.pth', saved(dict(state_dict=WEIGHTS))[:-200], 'is damaged'),
        ('a.pth', saved(torch.ones(2)), 'no weights by name, but a Tensor'),
        ('a.safetensors', b'{}', 'not a whole safetensors file'),
    ],
)
def test_other_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert message in refused(tmp_path / name, ValueError)


def test_missing_file_is_named(tmp_path, monkeypatch):
    refused(tmp_path / 'none.pth', FileNotFoundError)
    refused(tmp_path, FileNotFoundError)
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_checkpoint(os.path.join('~', 'none.pth'))
