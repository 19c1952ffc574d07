"""Coarse-to-fine recognition of fine-grained classes, on mmpretrain."""

from typing import TYPE_CHECKING

from .host import check_host, find_host, is_own_command
from .version import __version__

if TYPE_CHECKING:
    from .apis.inferencer import C2FInferencer

__all__ = ['C2FInferencer', '__version__']

# Here and not where a component is used: a wrong host fails there in a
# hundred obscure ways.
if not is_own_command():
    check_host(find_host())


def __getattr__(name: str):
    # The host takes seconds to import, and most do not predict.
    if name == 'C2FInferencer':
        from .apis.inferencer import C2FInferencer

        return C2FInferencer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
