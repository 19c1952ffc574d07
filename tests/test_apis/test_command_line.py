"""How tools end."""

import signal

import pytest

from mmc2f.apis.command_line import run_tool
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
