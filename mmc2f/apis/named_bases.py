"""Shipped configs as bases, by name, wherever the config lies. ::

    _base_ = 'mmc2f::ccfr_grocery.py'

MMEngine has this form for a fixed list of packages, of which ours is none,
and looks into ``.mim`` alone, which a checkout does not have.
"""

from difflib import get_close_matches

from mmengine.config import Config

from mmc2f.apis.config_file import shipped_configs

__all__ = ['allow_named_bases']

_PREFIX = 'mmc2f::'
_of_host = Config._get_cfg_path


def allow_named_bases() -> None:
    """Make MMEngine find bases that are called ``mmc2f::NAME``.

    Importing :mod:`mmc2f.apis` does this. Doing it twice changes nothing.
    """
    Config._get_cfg_path = staticmethod(_find_base)


def _find_base(cfg_path: str, filename: str) -> tuple[str, str | None]:
    """Path of a base, and the scope of its variables, as the host's."""
    if not cfg_path.startswith(_PREFIX):
        return _of_host(cfg_path, filename)
    name = cfg_path.removeprefix(_PREFIX).removesuffix('.py')
    shipped = shipped_configs()
    if name not in shipped:
        like = get_close_matches(name, shipped, n=3)
        hint = f'; do you mean {" or ".join(like)}?' if like else ''
        raise FileNotFoundError(
            f'{filename}: there is no shipped config {name!r} for the base '
            f'{cfg_path!r}{hint}'
        )
    # The variables need no scope: each type of ours has its prefix.
    return str(shipped[name]), None
