"""Packages that a config may ask for, and that nothing else needs.

``mmdet`` and the compiled ops of ``mmcv`` exist for some releases of torch
only. Nothing of them is imported before a config asks for it.
"""

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from mmc2f.host import find_host

__all__ = ['COMPILED_OPS', 'MMDET', 'check_config', 'require']

MMDET = 'mmdet'
COMPILED_OPS = 'mmcv._ext'

_NAMES = {MMDET: 'mmdet', COMPILED_OPS: 'the compiled ops of mmcv'}
# What installs them, beside the maintained family of the host and beside the
# original one.
_COMMANDS = {
    MMDET: ("pip install 'mmc2f[mmdet]'", 'pip install mmdet'),
    COMPILED_OPS: (
        'MMCV_WITH_OPS=1 pip install --force-reinstall --no-deps '
        '--no-build-isolation --no-cache-dir onedl-mmcv',
        'pip uninstall -y mmcv mmcv-lite && pip install '
        '--no-build-isolation --no-cache-dir mmcv',
    ),
}
# Of mmdet nearly every module imports mmcv.ops.
_SCOPES = {'mmdet': (MMDET, COMPILED_OPS)}


def require(asker: str, *needs: str) -> None:
    """Raises when an optional package is missing.

    Args:
        asker: What needs it, as the user wrote it in the config.
        *needs: Of :data:`MMDET` and :data:`COMPILED_OPS`.

    Raises:
        ImportError: One sentence with the command that installs it.
    """
    missing = [name for name in needs if not _is_installed(name)]
    if missing:
        names = ' and '.join(_NAMES[name] for name in missing)
        are = 'is' if missing == [MMDET] else 'are'
        raise ImportError(
            f'{asker} needs {names}, which {are} not installed; '
            f'run: {_command(missing)}'
        )


def check_config(cfg: Any, place: str = '') -> None:
    """Raises when a config asks for a package that is missing.

    Args:
        cfg: What is to be built. Its parts are looked at too.
        place: Where it stands in a larger config.

    Raises:
        ImportError: As :func:`require`, with the place of the part.
    """
    if isinstance(cfg, Mapping):
        kind = cfg.get('type')
        if isinstance(kind, str):
            asker = f'{kind}, the {place},' if place else kind
            require(asker, *_SCOPES.get(kind.partition('.')[0], ()))
            place = f' of {kind}'
        else:
            place = f' of the {place}' if place else ''
        for name, part in cfg.items():
            check_config(part, f'{name}{place}')
    elif isinstance(cfg, list | tuple):
        for part in cfg:
            check_config(part, place)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _command(missing: Iterable[str]) -> str:
    # Families do not mix: complete the one that is partly installed.
    original = any(not name.startswith('onedl-') for name in find_host())
    return ' && '.join(_COMMANDS[name][original] for name in missing)
