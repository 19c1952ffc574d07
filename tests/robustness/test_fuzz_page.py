"""``fuzz_page.py`` by other draws, and whether it would notice."""

import pytest
from fuzz_page import KINDS, check, main
from page_client import Reply

pytest.importorskip('gradio', reason='the page needs gradio')

#: A twelfth of them did not find what the page once told.
COUNT = 1000


def test_malformed_requests(capsys):
    main(['--requests', str(COUNT), '--seed', '1'])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith('The page answers as before')
    assert lines[-2].split() == ['all', str(COUNT)]
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
