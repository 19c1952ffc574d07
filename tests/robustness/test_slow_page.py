"""A page whose model hangs goes on serving, and says so in a sentence."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fuzz_page import Client, Server, served

pytest.importorskip('gradio', reason='the page needs gradio')

#: Seconds: a visitor's, and more than any test takes.
LIMIT, NEVER = 3.0, 120.0
VISITORS = 6


@pytest.fixture
def visits(tmp_path):
    from tiny_page import tiny_visits

    return tiny_visits(tmp_path)


def test_a_model_that_hangs(visits):
    visits, image = visits
    server = Server.of(visits, image, [])
    model = visits._answers._inferencer.model
    has_begun, may_go_on = threading.Event(), threading.Event()

    def hang(*_):
        has_begun.set()
        may_go_on.wait(NEVER)

    with served(visits, hurried=True) as address:
        before = Client(address).ask_about(image, server)
        assert 'c2f-name' in before
        hook = model.backbone.register_forward_pre_hook(hang)
        visits._time_limit.seconds = LIMIT
        try:
            with ThreadPoolExecutor(VISITORS) as visitors:
                first = visitors.submit(
                    Client(address).ask_about, image, server
                )
                assert has_begun.wait(NEVER)
                assert Client(address).page().status == 200
                later = [
                    visitors.submit(Client(address).ask_about, image, server)
                    for _ in range(VISITORS - 1)
                ]
                assert 'longer than 3 seconds' in first.result(NEVER)
                # None waits for those before it to be given up in turn.
                for answer in later:
                    assert 'The page is busy' in answer.result(NEVER)
        finally:
            may_go_on.set()
            hook.remove()
        visits._time_limit.seconds = NEVER
        assert Client(address).ask_about(image, server) == before
