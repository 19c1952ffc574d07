"""One result an image, where images were seen in several views."""

from collections.abc import Sequence
from typing import TypeVar

__all__ = ['of_first_view']

Result = TypeVar('Result')


def of_first_view(
    results: Sequence[tuple[str | None, Result]],
) -> list[Result]:
    """The results in the view that comes first, without their views.

    Args:
        results: View, ``None`` where the data set has none, and result.
    """
    return [result for view, result in results if view == results[0][0]]
