"""The page in a real browser: upload, answer, sliders, a bad file."""

import pytest
from browser import missing, open_tab
from served_page import served

pytest.importorskip('gradio', reason='the page needs gradio')
lacks = missing()
pytestmark = pytest.mark.skipif(lacks is not None, reason=lacks or '')


@pytest.fixture
def files(images, tmp_path):
    """A good image and a bad one."""
    good = sorted(images.glob('test/cyan/*.png'))[0]
    bad = tmp_path / 'bad.png'
    bad.write_bytes(good.read_bytes()[:100])
    return good, bad


def test_from_the_upload_to_the_slider(visits, files, count):
    good, bad = files
    with (
        served(visits, 'tiny birds') as address,
        open_tab(address, (1240, 1000)) as tab,
    ):
        assert 'tiny birds' in tab.await_text('#c2f-title')
        assert tab.all('#c2f-name') == []

        tab.upload(good)
        assert tab.await_text('#c2f-name')
        first = tab.scores()
        assert len(first) == 4
        assert tab.scores('probability')
        assert 'regions' in tab.await_text('#c2f-image figcaption')
        assert len(tab.all('.c2f-tiles img')) == 8
        assert tab.texts('.c2f-tree li')
        assert tab.texts('.c2f-why li')
        assert count.forward_passes == 1

        tab.choose_mode('prototypes')
        tab.wait(lambda: tab.all('#c2f-kappa input[type=range]'))
        tab.wait(lambda: tab.scores() != first, 'the mode does nothing')
        second = tab.scores()
        tab.set_slider('kappa', 50)
        tab.wait(lambda: tab.scores() != second, 'the slider does nothing')
        tab.all('#c2f-reset')[0].click()
        tab.wait(lambda: tab.scores() == first, 'nothing is put back')
        assert count.forward_passes == 1

        tab.upload(bad)
        message = tab.await_text('[role=alert]')
        assert 'cannot be read as an image' in message
        assert tab.all('#c2f-name') == []
        assert count.forward_passes == 1

        tab.upload(good)
        tab.wait(lambda: tab.scores() == first, 'no answer after an error')
        assert count.forward_passes == 2
        assert tab.foreign_requests(address) == []
