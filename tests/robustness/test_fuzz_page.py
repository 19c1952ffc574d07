"""A shorter form of ``fuzz_page.py``, and whether it would notice."""

import pytest
from fuzz_page import KINDS, check, main
from page_client import Reply

pytest.importorskip('gradio', reason='the page needs gradio')

PER_KIND = 5


def test_malformed_requests(capsys):
    count = PER_KIND * len(KINDS)
    main(['--requests', str(count), '--seed', '1'])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith('The page answers as before')
    assert lines[-2].split() == ['all', str(count)]
    table = lines[-2 - len(KINDS) : -2]
    assert [row[:28].strip() for row in table] == list(KINDS)


@pytest.mark.parametrize(
    ('reply', 'words'),
    [
        (Reply(404, 'no /srv/secret/a.pth'), '/srv/secret'),
        (Reply(200, 'root:x:0:0'), 'root:x:'),
        (Reply(400, 'Traceback (most recent call last)'), 'Traceback'),
        (Reply(500, 'HTTP/1.1 500'), 'HTTP/1.1 500'),
    ],
)
def test_what_is_told_is_noticed(reply, words):
    with pytest.raises(AssertionError, match=words):
        check('kind', b'', reply, ['/srv/secret'])


@pytest.mark.parametrize('status', [None, 200, 404, 503])
def test_what_may_be_told(status):
    check('kind', b'', Reply(status, 'Wait a moment.'), ['/srv/secret'])
