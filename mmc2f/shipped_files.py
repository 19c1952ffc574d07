"""Configs and tools of this package, in a checkout or installed."""

from pathlib import Path

__all__ = ['shipped_folder', 'shipped_tool']

PACKAGE = Path(__file__).parent
#: Stands at the top of a checkout, and of what a wheel brings for ``mim``.
MARK = 'model-index.yml'


def shipped_folder() -> Path:
    """The folder that holds ``configs`` and ``tools``.

    A checkout has them beside the package, a wheel in ``.mim`` within it.
    An editable install has both, the latter as links.
    """
    checkout = PACKAGE.parent
    return checkout if (checkout / MARK).is_file() else PACKAGE / '.mim'


def shipped_tool(name: str) -> Path:
    """The file of a tool.

    Args:
        name: Path below ``tools``, such as ``'train.py'``.

    Raises:
        FileNotFoundError: The package was installed without its tools.
    """
    path = shipped_folder() / 'tools' / name
    if not path.is_file():
        raise FileNotFoundError(
            f'this installation of mmc2f has no tools/{name}: install the '
            'wheel or the repository as a whole'
        )
    return path
