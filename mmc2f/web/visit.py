"""What a visitor's clicks do, without the page that they are made on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmc2f.web.answer_html import answer_html, picture_html, problem_html
from mmc2f.web.examples import Examples
from mmc2f.web.knobs import Knob, knobs_of, read_knobs
from mmc2f.web.live_answers import LiveAnswers, SeenImage
from mmc2f.web.rate_limit import RateLimit
from mmc2f.web.time_limit import Check, TimeLimit
from mmc2f.web.upload import Refused, Upload, UploadLimits

__all__ = ['Seen', 'Visits']

#: Forward passes of one client: some in a row, then one in three seconds.
FORWARD = (1 / 3, 15)
HINT = '<p class="c2f-hint">The answer will stand here.</p>'
FAILED = 'Something went wrong; the log of the server says what.'
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """What an image has led to.

    Attributes:
        image: Kept for the visitor; ``None``: there is none.
        picture: HTML of the image and its regions.
        answer: HTML of the answer, or of what went wrong.
    """

    image: SeenImage | None
    picture: str
    answer: str


class Visits:
    """Answers all visitors of a page; what one has sent is the caller's.

    Args:
        answers: Of the model.
        limits: Of an image; one is looked at at a time.
        examples: Images to try.
        forward: How often one client may send an image.
    """

    def __init__(
        self,
        answers: LiveAnswers,
        limits: UploadLimits | None = None,
        examples: Examples | None = None,
        forward: RateLimit | None = None,
    ) -> None:
        self._answers = answers
        self.limits = limits or UploadLimits()
        self.examples = examples or Examples()
        self._forward = forward or RateLimit(*FORWARD)
        self._time_limit = TimeLimit(self.limits.seconds)

    @property
    def mode(self) -> str | None:
        """Of the re-ranking at first; ``None``: there is no gallery."""
        defaults = self._answers.defaults
        return None if defaults is None else defaults['mode']

    @property
    def knobs(self) -> list[Knob]:
        """The sliders; none without a gallery."""
        defaults = self._answers.defaults
        if defaults is None:
            return []
        return knobs_of(defaults, self._answers.num_classes)

    def look(
        self, sent: object, client: str, mode: object, values: tuple
    ) -> Seen:
        """See an image, which takes a forward pass, and answer.

        Args:
            sent: Data URI, or the name of an example.
            client: Who has sent it.
            mode, values: Of the re-ranking, see :func:`read_knobs`.
        """

        def see(check: Check) -> Seen:
            seen = self._see(sent, check)
            told = self._answers.answer(seen, self._parameters(mode, values))
            picture = picture_html(
                seen.shown, told.get('boxes', []), seen.factor
            )
            return Seen(seen, picture, self._html(told))

        def see_in_time() -> Seen:
            if not self._forward.allows(client):
                raise Refused(
                    'Too many images in a short time; wait a few seconds.'
                )
            return self._time_limit.run(see)

        return _guarded(see_in_time, lambda html: Seen(None, '', html))

    def turn(self, seen: object, mode: object, values: tuple) -> str:
        """Answer again, with other parameters and no forward pass.

        Returns:
            HTML, as :attr:`Seen.answer`.
        """

        def answer() -> str:
            if not isinstance(seen, SeenImage):
                return HINT
            parameters = self._parameters(mode, values)
            return self._html(self._answers.answer(seen, parameters))

        return _guarded(answer, str)

    def _see(self, sent: object, check: Check) -> SeenImage:
        example = self.examples.find(sent)
        if example is not None:
            upload = Upload(np.ascontiguousarray(example[:, :, ::-1]))
        else:
            upload = Upload.decode(sent, self.limits)
        return self._answers.see(upload.pixels, upload.shown, check)

    def _parameters(self, mode: object, values: tuple) -> dict[str, Any]:
        return {} if self.mode is None else read_knobs(mode, values)

    def _html(self, answer: dict[str, Any]) -> str:
        return answer_html(answer, self._answers.gallery_images.read)


def _guarded(do: Callable[[], Any], tell: Callable[[str], Any]) -> Any:
    """What a function gives, or its error in a sentence."""
    try:
        return do()
    except Refused as error:
        return tell(problem_html(str(error)))
    except Exception:
        # Its text may name files.
        logger.exception('a request failed')
        return tell(problem_html(FAILED))
