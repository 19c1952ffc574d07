"""Checks that the packages which this plug-in extends are usable.

Two families of distributions ship the import names ``mmengine``, ``mmcv`` and
``mmpretrain``: the maintained one (``onedl-*``) and the original one. Pip
lets both be installed, and each then overwrites files of the other. Only the
metadata is read, so that a good environment pays next to nothing.
"""

import sys
from collections.abc import Mapping
from importlib import metadata
from itertools import chain
from pathlib import Path

from packaging.version import Version

#: Import name -> lowest version, and the distributions that ship it.
HOST: dict[str, tuple[str, tuple[str, ...]]] = {
    'mmengine': ('0.10', ('onedl-mmengine', 'mmengine', 'mmengine-lite')),
    'mmcv': ('2.0', ('onedl-mmcv', 'mmcv', 'mmcv-lite', 'mmcv-full')),
    'mmpretrain': ('1.2', ('onedl-mmpretrain', 'mmpretrain')),
}


def find_host() -> dict[str, str]:
    """Versions of the host's distributions that are installed, by name."""
    installed: dict[str, str] = {}
    for name in chain.from_iterable(names for _, names in HOST.values()):
        for distribution in metadata.distributions(name=name):
            # The first on the path is the one that imports find.
            installed.setdefault(name, distribution.version)
    return installed


def is_own_command() -> bool:
    """Whether this process is the command ``mmc2f``.

    It checks the host by itself, after its options are read: its ``--help``
    and ``mmc2f doctor`` are for those whose host is not usable, too.
    """
    is_module = sys.orig_argv[1:3] == ['-m', 'mmc2f']
    return is_module or Path(sys.argv[0] if sys.argv else '').stem == 'mmc2f'


def check_host(installed: Mapping[str, str]) -> None:
    """Raises unless exactly one distribution ships each host package.

    Args:
        installed: Version of each installed distribution, by name. Names that
            are no part of the host are not looked at.

    Raises:
        ImportError: Packages of the host are missing, are too old, or are
            installed over each other. The message ends with the command that
            mends it.
    """
    present = {
        package: [name for name in names if name in installed]
        for package, (_, names) in HOST.items()
    }
    _check_overlap(present)
    _check_missing(present)
    for package, (name,) in present.items():
        _check_version(package, name, installed[name])


def _check_overlap(present: Mapping[str, list[str]]) -> None:
    for package, names in present.items():
        if len(names) > 1:
            remove = ' '.join(chain.from_iterable(present.values()))
            install = ' '.join(_maintained(package) for package in HOST)
            raise ImportError(
                f'mmc2f cannot use {package}, for {" and ".join(names)} are '
                'installed over each other; run: '
                f'pip uninstall -y {remove} && pip install {install}'
            )


def _check_missing(present: Mapping[str, list[str]]) -> None:
    missing = [package for package, names in present.items() if not names]
    if not missing:
        return
    found = chain.from_iterable(present.values())
    # Families do not mix: complete the one that is partly installed.
    original = any(not name.startswith('onedl-') for name in found)
    choose = _original if original else _maintained
    raise ImportError(
        f'mmc2f extends {", ".join(missing)}, '
        f'{"which is" if len(missing) == 1 else "which are"} not installed; '
        f'run: pip install {" ".join(map(choose, missing))}'
    )


def _check_version(package: str, name: str, version: str) -> None:
    lowest = HOST[package][0]
    if Version(version) >= Version(lowest):
        return
    if name == 'mmcv-full':  # the name was given up before 2.0
        command = f'pip uninstall -y {name} && pip install {_original("mmcv")}'
    else:
        command = f"pip install --upgrade '{name}>={lowest}'"
    raise ImportError(
        f'mmc2f needs {package} {lowest} or newer, but {name} is {version}; '
        f'run: {command}'
    )


def _maintained(package: str) -> str:
    """The requirement to ask pip for, quoted for the shell."""
    return f"'onedl-{package}>={HOST[package][0]}'"


def _original(package: str) -> str:
    """Likewise; ``mmcv`` itself would compile ops that nothing here needs."""
    name = 'mmcv-lite' if package == 'mmcv' else package
    return f"'{name}>={HOST[package][0]}'"
