"""Errors that are told in a sentence, and those that keep their traceback."""

import errno
from pathlib import Path

import pytest
from mmengine.optim import build_optim_wrapper
from mmengine.registry import Registry
from mmengine.runner import Runner
from torch import nn

from mmc2f.arguments import check_whole
from mmc2f.error_sentence import error_sentence

PARTS = Registry('part', scope='mmengine')


@PARTS.register_module()
class Part:
    def __init__(self, size):
        self.size = size


@PARTS.register_module()
class Larger(Part):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)


@PARTS.register_module()
class Faulty:
    def __init__(self):
        self.size = None + 1


def told(call):
    """What is told of the error that a call raises."""
    try:
        call()
    except Exception as error:
        return error_sentence(error)
    raise AssertionError('no error')


@pytest.mark.parametrize('kind', ['Part', 'Larger'])
def test_argument_that_a_part_does_not_take(kind):
    text = told(lambda: PARTS.build(dict(type=kind, sise=3)))
    assert text.startswith('the config does not fit: ')
    assert "unexpected keyword argument 'sise'" in text


def test_argument_that_a_part_lacks():
    text = told(lambda: PARTS.build(dict(type='Part')))
    assert "missing 1 required positional argument: 'size'" in text


def test_argument_of_a_loader():
    loader = dict(dataset=[1], sampler=None, bach_size=1)
    assert told(lambda: Runner.build_dataloader(loader)) is not None


def test_part_that_there_is_not():
    text = told(lambda: PARTS.build(dict(type='mmc2f.Prat')))
    assert text.startswith('mmc2f.Prat is not in the mmengine::part registry:')
    assert 'http' not in text


def test_optimizer_that_there_is_not():
    wrapper = dict(optimizer=dict(type='SGDD', lr=1.0))
    text = told(lambda: build_optim_wrapper(nn.Linear(1, 1), wrapper))
    assert 'optim_wrapper.optimizer is no known optimizer' in text


def test_errors_of_files_and_of_this_package():
    assert 'nowhere' in told(lambda: Path('nowhere').read_bytes())
    assert told(lambda: check_whole('n', 1.5)) == (
        'n must be a whole number, got 1.5'
    )


def test_full_disk_that_no_file_is_named_of():
    def fail(*name):
        raise OSError(errno.ENOSPC, 'No space left on device', *name)

    assert told(fail).endswith('device: make room on the disk of the work dir')
    assert told(lambda: fail('a.pth')).endswith("device: 'a.pth'")


@pytest.mark.parametrize(
    'call',
    [
        lambda: int('x'),
        lambda: {}['key'],
        lambda: PARTS.build(dict(type='Faulty')),
        lambda: Part(sise=3),
    ],
)
def test_faults_of_programs_are_for_developers(call):
    assert told(call) is None
