"""Coarse-to-fine recognition of fine-grained classes, on mmpretrain."""

from .host import check_host, find_host
from .version import __version__

__all__ = ['__version__']

# Here and not where a component is used: a wrong host fails there in a
# hundred obscure ways.
check_host(find_host())
