"""What a worker does: answers for a part of the inputs, in a file."""

import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config

from mmc2f.apis.batch_predict.answer_table import answer_table
from mmc2f.apis.batch_predict.job import Job, PredictionSettings
from mmc2f.apis.image_inputs import ImageInput
from mmc2f.apis.inferencer import C2FInferencer
from mmc2f.error_sentence import TRACEBACK, error_sentence
from mmc2f.weights.trust import trust_files_of_this_process

__all__ = ['WRITER', 'PartPredictor']

#: Metadata of a part: host and process that wrote it.
WRITER = 'mmc2f.written_by'


class PartPredictor:
    """Writes the answers of one part after the other.

    A class that Ray Data keeps in each worker; the model is made at the
    first part. It does not need Ray.

    Args:
        job: Whose parts.
        settings: Of the predictions.
    """

    def __init__(self, job: Job, settings: PredictionSettings) -> None:
        self.job = job
        self.settings = settings
        self._inferencer: C2FInferencer | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Finish a part, if it is not finished already.

        A worker may be given a part again whose file it had just written
        when it was killed.

        Args:
            row: With the number of the ``part``.

        Returns:
            The ``part``, and as ``error`` what the user has to mend before
            it can be finished, or an empty text.

        Raises:
            Exception: What only a developer can mend.
        """
        part = int(row['part'])
        if self.job.count_errors(part) is not None:
            return dict(part=part, error='')
        try:
            self._write(part)
        except (ImportError, OSError, ValueError) as error:
            sentence = error_sentence(error)
            if sentence is None or os.environ.get(TRACEBACK):
                raise
            return dict(part=part, error=sentence)
        return dict(part=part, error='')

    def answers(self, names: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Answers of :class:`mmc2f.C2FInferencer`, in order.

        Args:
            names: Of images, as they were listed; so they stand in the
                answers. A name is one image, never a folder or a pattern.
        """
        if self._inferencer is None:
            self._inferencer = self._make_inferencer()
        names = list(names)
        settings = self.settings
        answers = self._inferencer.stream(
            [ImageInput(name, self.job.path(name)) for name in names],
            batch_size=settings.batch_size,
            topn=settings.topn,
            num_neighbours=settings.num_neighbours,
        )
        for name, answer in zip(names, answers, strict=True):
            yield {**answer, 'image': name}

    def _write(self, part: int) -> None:
        answers = list(self.answers(self.job.images(part)))
        first = part * self.job.part_size
        writer = {WRITER: f'{socket.gethostname()}:{os.getpid()}'}
        num_errors = sum('error' in answer for answer in answers)
        self.job.write(part, answer_table(answers, first, writer), num_errors)

    def _make_inferencer(self) -> C2FInferencer:
        settings = self.settings
        trust_files_of_this_process(settings.trust)
        return C2FInferencer(
            Config(dict(settings.config)),
            pretrained=settings.checkpoint,
            device=settings.device,
            gallery=settings.gallery,
        )
