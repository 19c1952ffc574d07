"""Which process of a group has ended or hangs, told by those that wait."""

import re
import time
from datetime import timedelta
from threading import Thread

import torch
from mmengine.dist import get_rank, get_world_size, is_distributed

__all__ = ['absent_processes', 'describe_lost_process']

# gloo has no error of its own. Its texts, and those of a closed socket.
_LOST = re.compile(
    r'Connection (closed|reset|refused)|Broken pipe|Socket (Timeout|closed)'
    r'|Timed out waiting|Application timeout|remote (process|server)'
)
_TIMEOUT = re.compile('timed? ?out', re.IGNORECASE)
#: Under which a process tells the others that it is there and waits.
_KEY = 'mmc2f/waits'
# All that wait for one process give up at about the same time.
_SECONDS = 5.0
_PAUSE = 0.2


def describe_lost_process(error: Exception) -> str | None:
    """What to tell the user if another process of the group is lost.

    The processes that notice it say so to each other, which takes some
    seconds; those that say nothing are named.

    Args:
        error: What a process has raised.

    Returns:
        A sentence; ``None`` where the error is another one.
    """
    is_of_group = isinstance(error, torch.distributed.DistError)
    if not is_distributed() or not (is_of_group or _LOST.search(str(error))):
        return None
    reason = str(error).strip().splitlines()[0]
    lost = _names(absent_processes(_SECONDS))
    sentence = (
        f'process {get_rank()} has lost {lost}, which '
        'ended or does not answer; the first message of all says why'
    )
    if _TIMEOUT.search(reason):
        sentence += (
            ', and where there is none, it hangs, or had more to do than the '
            'time of --dist-timeout'
        )
    return f'{sentence} ({reason})'


def absent_processes(seconds: float) -> list[int]:
    """Ranks that do not say, within some seconds, that they wait.

    They are asked through the store of the group, which lives on when its
    connections have failed.

    Args:
        seconds: How long to wait for them.

    Returns:
        Ranks, ascending; none where the store does not answer.
    """
    absent: list[int] = []
    # The store may hang with the process that keeps it.
    roll = Thread(target=_call_roll, args=(absent, seconds), daemon=True)
    roll.start()
    roll.join(2 * seconds)
    return list(absent)


def _call_roll(absent: list[int], seconds: float) -> None:
    """Keep the ranks in ``absent`` that have not been heard of yet."""
    end = time.monotonic() + seconds
    try:
        store = torch.distributed.distributed_c10d._get_default_store()
        store.set_timeout(timedelta(seconds=seconds))
        store.set(f'{_KEY}/{get_rank()}', '')
        while True:
            absent[:] = [
                rank
                for rank in range(get_world_size())
                if not store.check([f'{_KEY}/{rank}'])
            ]
            if not absent or time.monotonic() > end:
                return
            time.sleep(_PAUSE)
    # Who keeps the store may be done first. What is known by then counts.
    except RuntimeError:
        return


def _names(ranks: list[int]) -> str:
    if not ranks:
        return 'another one'
    plural = 'es' if len(ranks) > 1 else ''
    return f'process{plural} {", ".join(map(str, ranks))}'
