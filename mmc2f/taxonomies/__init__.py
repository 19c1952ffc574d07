"""Class hierarchies that travel with the package, as tables of facts.

``README.md`` beside this file says where each comes from.
"""

from pathlib import Path

__all__ = ['PACKAGED_LEVELS', 'packaged_path']

#: Columns that make the levels of each packaged table, fine to coarse.
PACKAGED_LEVELS = {
    'aircraft': ('variant', 'family', 'manufacturer'),
    'cars': ('model', 'make_type', 'type'),
    'cub': ('species', 'genus', 'family'),
    'cub_modern': ('species', 'genus', 'family'),
    'fonts': ('face', 'family', 'style'),
    'grocery': ('fine', 'coarse', 'department'),
}


def packaged_path(name: str) -> Path:
    """Where the packaged table ``name`` lies.

    Raises:
        ValueError: No table of that name is packaged.
    """
    if name not in PACKAGED_LEVELS:
        raise ValueError(
            f'no packaged hierarchy is called {name!r}; there are '
            + ', '.join(sorted(PACKAGED_LEVELS))
        )
    return Path(__file__).parent / f'{name}.csv'
