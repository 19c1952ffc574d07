"""One way to look at every image of a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mmc2f.datasets.transforms.degrade_resolution import check_resolution
from mmc2f.structures import LabelTree

__all__ = ['ResolutionView', 'of_first_view']

_KEYS = {'name', 'level', 'resolution'}
Result = TypeVar('Result')


@dataclass(frozen=True)
class ResolutionView:
    """A resolution, and the level that its images are classified at.

    Attributes:
        name: What the view is called, say ``'medium'``.
        level: Index of the level in the tree, 0 for the finest.
        resolution: Pixels of the shorter edge; ``None`` for images as they
            are.
    """

    name: str
    level: int
    resolution: int | None

    @classmethod
    def build_all(
        cls, specs: Sequence[Mapping[str, Any]], tree: LabelTree
    ) -> tuple['ResolutionView', ...]:
        """Views as a config gives them.

        Args:
            specs: One or more of ``dict(name=..., level=...,
                resolution=...)``, the level by name or index.
            tree: Has the levels.

        Raises:
            ValueError: There is no view, two have one name, or one is not as
                described.
        """
        if not specs:
            raise ValueError(
                'views is empty; give at least one '
                "dict(name='high', level=0, resolution=None)"
            )
        views = tuple(cls._build(spec, tree) for spec in specs)
        names = [view.name for view in views]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f'{names.count(name)} views are called {name!r}; give '
                    'each a name of its own'
                )
        return views

    @classmethod
    def _build(
        cls, spec: Mapping[str, Any], tree: LabelTree
    ) -> 'ResolutionView':
        if not isinstance(spec, Mapping) or set(spec) != _KEYS:
            raise ValueError(
                f'a view is dict(name=..., level=..., resolution=...), but '
                f'got {spec!r}'
            )
        name = spec['name']
        if not isinstance(name, str) or not name:
            raise ValueError(f'a view must have a name, got {name!r}')
        try:
            level = tree.level_index(spec['level'])
        except ValueError as error:
            raise ValueError(f'view {name!r}: {error}') from None
        resolution = check_resolution(spec['resolution'], f'view {name!r}')
        return cls(name, level, resolution)


def of_first_view(
    results: Sequence[tuple[str | None, Result]],
) -> list[Result]:
    """The results in the view that comes first, without their views.

    Args:
        results: View, ``None`` where the data set has none, and result.
    """
    return [result for view, result in results if view == results[0][0]]
