"""The config file that a user means by a name."""

from difflib import get_close_matches
from pathlib import Path

from mmc2f.shipped_files import shipped_folder

__all__ = ['config_file', 'find_config', 'shipped_configs']


def config_file(name: str) -> str:
    """The file that the command line means by ``name``.

    ``mim train mmc2f ccfr_fonts`` finds the empty file ``ccfr_fonts`` that an
    installed package keeps beside each config for this, and hands its path
    to the tool. Meant as the ``type`` of an argument of ``argparse``.

    Args:
        name: Path of a config, with its suffix or without.

    Returns:
        The path, with ``.py`` appended where it had no suffix.
    """
    return name if Path(name).suffix else f'{name}.py'


def find_config(name: str) -> str:
    """The path of a config, which may be one of this package.

    Args:
        name: Path of a config, or the name of a shipped one, with its suffix
            or without: ``'ccfr_grocery'``.

    Raises:
        FileNotFoundError: There is neither; suggests like names.
    """
    path = config_file(name)
    if Path(path).is_file():
        return path
    shipped = shipped_configs()
    stem = Path(path).stem
    if Path(path).parent == Path() and stem in shipped:
        return str(shipped[stem])
    like = get_close_matches(stem, shipped, n=3)
    hint = f'; do you mean {" or ".join(like)}?' if like else ''
    raise FileNotFoundError(f'there is no config {name}{hint}')


def shipped_configs() -> dict[str, Path]:
    """The configs of this package by name, in a checkout or installed."""
    folder = shipped_folder() / 'configs'
    return {path.stem: path for path in sorted(folder.glob('*.py'))}
