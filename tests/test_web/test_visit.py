"""What a click leads to: an answer, or a sentence."""

import re
import threading
from types import SimpleNamespace

import pytest
from sent_files import file_uri
from tiny_page import unlimited

from mmc2f.web.examples import Examples
from mmc2f.web.rate_limit import RateLimit
from mmc2f.web.upload import UploadLimits
from mmc2f.web.visit import FAILED, HINT, Visits


def values_of(visits: Visits, **changed: float) -> tuple:
    return tuple(changed.get(k.name, k.value) for k in visits.knobs)


def scores(html: str) -> str:
    return re.search(r'data-bars="score">.*?</ol>', html)[0]


def test_an_image_is_answered_and_kept(visits, count, image):
    seen = visits.look(image, 'me', visits.mode, values_of(visits))
    assert count.forward_passes == 1
    assert 'c2f-headline' in seen.answer
    assert 'regions that the model has looked at' in seen.picture
    # The gallery's images are found.
    assert 'file not at hand' not in seen.answer
    assert seen.image is not None


def test_sliders_act_without_a_forward_pass(visits, count, image):
    seen = visits.look(image, 'me', 'paper', values_of(visits))
    told = [
        visits.turn(seen.image, 'paper', values_of(visits, t_sf=0.0)),
        visits.turn(seen.image, 'prototypes', values_of(visits, kappa=50)),
        visits.turn(seen.image, 'kernel', values_of(visits, weight=1)),
        visits.turn(seen.image, 'none', values_of(visits)),
    ]
    assert count.forward_passes == 1
    assert len({scores(html) for html in [seen.answer, *told]}) >= 4


def test_the_first_answer_follows_the_sliders_too(visits, image):
    asked = 'prototypes', values_of(visits, kappa=50)
    seen = visits.look(image, 'me', *asked)
    assert seen.answer == visits.turn(seen.image, *asked)


def test_nothing_to_answer_yet(visits):
    assert visits.turn(None, 'paper', values_of(visits)) == HINT
    assert visits.turn({'sample': 1}, 'paper', values_of(visits)) == HINT


def test_a_bad_image_is_told_and_costs_no_forward_pass(visits, count):
    seen = visits.look(file_uri(b'bad'), 'me', 'paper', values_of(visits))
    assert seen.image is None
    assert seen.picture == ''
    assert 'cannot be read' in seen.answer
    assert 'role="alert"' in seen.answer
    assert count.forward_passes == 0


def test_an_example(answers, images, count):
    visits = Visits(answers, examples=Examples.in_folder(images / 'test'))
    seen = visits.look('example 2', 'me', 'paper', values_of(visits))
    assert seen.image is not None
    gone = visits.look('example 99', 'me', 'paper', values_of(visits))
    assert gone.image is None
    assert count.forward_passes == 1


def test_limits_of_the_page_hold(answers, image):
    visits = Visits(answers, UploadLimits(megapixels=0.001))
    seen = visits.look(image, 'me', 'paper', values_of(visits))
    assert 'more than 0.001 million pixels' in seen.answer


def test_too_many_images(answers, image, count):
    limit = RateLimit(per_second=1, burst=2, clock=lambda: 0.0)
    visits = Visits(answers, forward=limit)
    asked = 'paper', values_of(visits)
    for _ in range(2):
        assert visits.look(image, 'me', *asked).image is not None
    assert 'Too many images' in visits.look(image, 'me', *asked).answer
    assert visits.look(image, 'you', *asked).image is not None
    assert count.forward_passes == 3


@pytest.fixture
def stuck(tiny):
    """A backbone that begins when the test says so; counts what ends."""
    model, _ = tiny
    may_go_on, ended = threading.Event(), []
    before = model.backbone.register_forward_pre_hook(
        lambda *_: may_go_on.wait(60) and None
    )
    after = model.backbone.register_forward_hook(lambda *_: ended.append(1))
    yield SimpleNamespace(may_go_on=may_go_on, ended=ended)
    may_go_on.set()
    before.remove()
    after.remove()


def test_an_image_that_takes_too_long(answers, image, count, stuck):
    visits = Visits(answers, UploadLimits(seconds=2), forward=unlimited())
    asked = image, 'me', 'paper', values_of(visits)
    late = visits.look(*asked)
    assert late.image is None
    assert 'longer than 2 seconds' in late.answer
    assert 'busy' in visits.look(*asked).answer
    # The pass that was given up ends before its next layer.
    stuck.may_go_on.set()
    visits._time_limit.seconds = 60
    assert visits.look(*asked).image is not None
    assert count.forward_passes == 2
    passes_of_one_image = len(stuck.ended)
    visits.look(*asked)
    assert len(stuck.ended) == 2 * passes_of_one_image


def test_the_clock_leaves_no_trace_on_the_model(answers, image, count):
    visits = Visits(answers, forward=unlimited())
    visits.look(image, 'me', 'paper', values_of(visits))
    model = answers._inferencer.model
    assert [m for m in model.modules() if m._forward_pre_hooks] == [model]


@pytest.mark.parametrize(
    ('mode', 'values'), [('x', ()), ('paper', ('a',) * 7), (None, None)]
)
def test_malformed_parameters_are_a_sentence(visits, image, mode, values):
    seen = visits.look(image, 'me', 'paper', values_of(visits))
    for html in (
        visits.turn(seen.image, mode, values),
        visits.look(image, 'me', mode, values).answer,
    ):
        assert 'role="alert"' in html
        assert 'Traceback' not in html


def test_an_unforeseen_error_says_nothing_of_itself(
    visits, image, monkeypatch
):
    def fail(*_):
        raise RuntimeError('/srv/secret/model.pth')

    monkeypatch.setattr(visits._answers, 'see', fail)
    seen = visits.look(image, 'me', 'paper', values_of(visits))
    assert 'secret' not in seen.answer
    assert FAILED in seen.answer


def test_a_model_without_a_gallery(make_answers, image, count):
    visits = Visits(make_answers(has_gallery=False))
    assert visits.mode is None
    assert visits.knobs == []
    seen = visits.look(image, 'me', None, ())
    assert 'there is no gallery to re-rank by' in seen.answer
    assert visits.turn(seen.image, None, ()) == seen.answer
    assert count.forward_passes == 1
