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
    job_parser,
    require_parts,
    run_tool,
    set_job,
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


def job(tmp_path, *args):
    (tmp_path / 'own.py').write_text('')
    return job_parser('').parse_args([str(tmp_path / 'own.py'), *args])


@pytest.mark.parametrize('env', [None, {}, dict(dist_cfg=dict(backend='x'))])
def test_time_to_wait_for_another_process_is_set(tmp_path, env):
    cfg = Config(dict(env_cfg=env, work_dir='w'))
    set_job(cfg, job(tmp_path))
    assert cfg.env_cfg == env
    set_job(cfg, job(tmp_path, '--dist-timeout', '7.5'))
    kept = (env or {}).get('dist_cfg', {})
    assert cfg.env_cfg.dist_cfg == dict(kept, timeout=7.5)


@pytest.mark.parametrize('time', ['0', '-1', 'inf', 'nan', 'soon'])
def test_no_time_to_wait_is_refused(tmp_path, time, capsys):
    with pytest.raises(SystemExit):
        job(tmp_path, f'--dist-timeout={time}')
    assert f"'{time}' is no time above 0" in capsys.readouterr().err


def test_config_without_a_part_is_named():
    cfg = Config(dict(model=dict(), test_cfg=None))
    require_parts(cfg, 'own.py', 'model')
    message = r'own\.py has no test_cfg, test_dataloader: '
    with pytest.raises(ValueError, match=message):
        require_parts(cfg, 'own.py', 'model', 'test_cfg', 'test_dataloader')
