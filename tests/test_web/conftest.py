"""A page on a tiny model, with a count of its forward passes."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_ccfr import write_images
from tiny_page import sent_image, tiny_answers, tiny_model, unlimited

from mmc2f.web.live_answers import LiveAnswers
from mmc2f.web.visit import Visits


@dataclass
class Count:
    """How often a model has been run."""

    forward_passes: int = 0


@pytest.fixture(scope='session')
def images(tmp_path_factory) -> Path:
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='session')
def tiny(images, tmp_path_factory):
    """A model and its gallery."""
    return tiny_model(images, tmp_path_factory.mktemp('work'))


@pytest.fixture
def make_answers(tiny):
    """Makes what a page asks, with or without a gallery."""
    model, gallery = tiny

    def make(has_gallery: bool = True, **rule: object) -> LiveAnswers:
        return tiny_answers(model, gallery if has_gallery else None, **rule)

    yield make
    model.attach_reranker(None)


@pytest.fixture
def answers(make_answers) -> LiveAnswers:
    return make_answers()


@pytest.fixture
def visits(answers) -> Visits:
    return Visits(answers, forward=unlimited())


@pytest.fixture
def count(tiny):
    """Counts the forward passes from now on."""
    model, _ = tiny
    counted = Count()

    def count_one(*_):
        counted.forward_passes += 1

    hook = model.register_forward_pre_hook(count_one)
    yield counted
    hook.remove()


@pytest.fixture(scope='session')
def image(images) -> str:
    return sent_image(images)
