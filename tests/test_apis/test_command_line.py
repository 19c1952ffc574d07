"""How tools end."""

import argparse
import logging
import signal
from contextlib import suppress

import pytest
from mmengine.config import Config

from mmc2f.apis.command_line import (
    add_device,
    add_options,
    require_parts,
    run_tool,
)
from mmc2f.engine import Interrupted


def ended(error):
    def tool():
        raise error

    with pytest.raises(SystemExit) as end:
        run_tool(tool)
    return end.value.code


@pytest.mark.parametrize(
    ('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_training_that_was_stopped_says_where_it_goes_on(
    number, code, capsys
):
    assert ended(Interrupted('goes on from a.pth', number)) == code
    assert capsys.readouterr().err == 'goes on from a.pth\n'


def test_ctrl_c_is_no_traceback(capsys):
    assert ended(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == 'stopped by Ctrl-C\n'


def test_log_that_cannot_be_written_is_no_traceback(capsys):
    log = logging.getLogger('of_test_command_line')
    handler = logging.StreamHandler(open('/dev/full', 'w'))  # noqa: SIM115
    log.addHandler(handler)
    try:
        run_tool(lambda: log.warning('text'))
    finally:
        log.removeHandler(handler)
        with suppress(OSError):
            handler.stream.close()
    assert 'Traceback' not in capsys.readouterr().err
    assert logging.raiseExceptions


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['--cfg-options', 'batch_size'], 'batch_size is no key=value'),
        (['--device', 'gpu'], "'gpu' is no device of this machine"),
        (['--device', 'cuda:99'], "'cuda:99' is no device of this machine"),
    ],
)
def test_options_that_cannot_be_are_named(args, message, capsys):
    parser = argparse.ArgumentParser()
    add_options(parser)
    add_device(parser)
    with pytest.raises(SystemExit) as end:
        parser.parse_args(args)
    assert end.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_options_are_read():
    parser = argparse.ArgumentParser()
    add_options(parser)
    add_device(parser)
    args = ['--device', 'cpu', '--cfg-options', 'a.b=3', 'c=x']
    parsed = parser.parse_args(args)
    assert parsed.device == 'cpu'
    assert parsed.cfg_options == {'a.b': 3, 'c': 'x'}


def test_config_without_a_part_is_named():
    cfg = Config(dict(model=dict(), test_cfg=None))
    require_parts(cfg, 'own.py', 'model')
    message = r'own\.py has no test_cfg, test_dataloader: '
    with pytest.raises(ValueError, match=message):
        require_parts(cfg, 'own.py', 'model', 'test_cfg', 'test_dataloader')
