"""The parts of a job on Ray Data: on this machine, or on a cluster."""

import logging
import math
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mmc2f.apis.batch_predict.job import Job, PredictionSettings

__all__ = ['RayOptions', 'predict_parts']

# What moves through Ray are numbers of parts; this is the least it takes.
_OBJECT_STORE_BYTES = 128 * 2**20
# Ray's words for a machine that is too busy, and how often it may be.
_TOO_SLOW, _NUM_STARTS = 'timed out during startup', 3
# A part that kills its worker this often is given up.
_MAX_RETRIES = 3


@dataclass(frozen=True)
class RayOptions:
    """Where and by how many the parts are worked on.

    Attributes:
        address: Of a running cluster, ``'auto'`` or ``'ray://HOST:10001'``;
            ``'local'`` starts Ray on this machine and ends it afterwards.
        workers: Processes, each with a model of its own.
        cpus, gpus: Of each; parts of a GPU are allowed.
    """

    address: str = 'local'
    workers: int = 1
    cpus: float = 1
    gpus: float = 0


def predict_parts(
    job: Job,
    settings: PredictionSettings,
    parts: Sequence[int],
    options: RayOptions,
) -> Iterator[int]:
    """Have parts of a job finished, a block of Ray Data for each.

    A worker that is killed is replaced, and its part done again.

    Args:
        job: Its folder is one that every machine sees under this name.
        settings: Of the predictions.
        parts: That are to be finished, at least one.
        options: Where.

    Yields:
        The number of a part when it is finished, in any order.

    Raises:
        ImportError: Ray is not installed.
        ValueError: An error of the settings or files, which a worker met.
        ChildProcessError: A part has killed its worker several times.
        ConnectionError: There is no cluster at the address, or this machine
            is too busy to start one.
    """
    from mmc2f.apis.batch_predict.part_predictor import PartPredictor

    with _session(options):
        import ray
        import ray.data
        from ray.exceptions import RayError

        rows = ray.data.from_items(
            [{'part': part} for part in parts],
            override_num_blocks=len(parts),
        ).map(
            # A class is made once a worker.
            PartPredictor,  # type: ignore[arg-type]
            fn_constructor_kwargs=dict(job=job, settings=settings),
            compute=ray.data.ActorPoolStrategy(
                size=min(options.workers, len(parts))
            ),
            num_cpus=options.cpus,
            num_gpus=options.gpus,
            ray_remote_args_fn=_remote_args,
        )
        try:
            for row in rows.iter_rows():
                if row['error']:
                    raise ValueError(row['error'])
                yield int(row['part'])
        except RayError as error:
            if not _is_death(error):
                raise
            raise ChildProcessError(
                f'a part was given up after its worker had died '
                f'{_MAX_RETRIES + 1} times, for want of memory perhaps, or by '
                'an image that crashes a decoder; what is finished is kept, '
                f'and the logs of Ray tell more ({_first_line(error)})'
            ) from error


@contextmanager
def _session(options: RayOptions) -> Iterator[None]:
    """Ray for the duration of a block; one that runs already is used."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(
            'a batch prediction needs Ray and pyarrow: run "pip install '
            "'mmc2f[scale]'\""
        ) from error
    if ray.is_initialized():
        yield
        return
    _quiet()
    with _own_handler_of_sigterm():
        _start(options)
        try:
            yield
        finally:
            ray.shutdown()


def _start(options: RayOptions) -> None:
    if not any(_is_started(options) for _ in range(_NUM_STARTS)):
        raise ConnectionError(
            'Ray did not start on this machine in the 30 s that it gives its '
            'processes: is the machine busy? What is finished is kept'
        )


def _is_started(options: RayOptions) -> bool:
    """Start Ray; false where the machine is too busy for it."""
    import ray

    limits: dict[str, Any] = {}
    if options.address == 'local':
        limits = dict(
            # One more than the workers have, for what Ray Data does itself.
            num_cpus=1 + math.ceil(options.workers * options.cpus),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
        )
    try:
        ray.init(options.address, logging_level=logging.WARNING, **limits)
    # Ray raises no class of its own for that.
    except Exception as error:
        ray.shutdown()
        if _TOO_SLOW in str(error):
            return False
        raise
    return True


def _quiet() -> None:
    """Leave the progress to the caller."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger('ray.data').setLevel(logging.WARNING)


@contextmanager
def _own_handler_of_sigterm() -> Iterator[None]:
    """Take back the handler that Ray sets for the whole process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _remote_args() -> dict[str, Any]:
    """What Ray Data lets be set for each worker."""
    return dict(max_task_retries=_MAX_RETRIES)


def _is_death(error: Exception) -> bool:
    """Whether a worker died, and raised nothing."""
    from ray import exceptions

    deaths = (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.OutOfMemoryError,
    )
    return isinstance(error, deaths)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0]
