"""What is installed, and what is missing, by the metadata of packages."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from mmc2f.host import check_host, find_host
from mmc2f.optional import COMPILED_OPS, MMDET, require
from mmc2f.version import __version__

__all__ = ['ABSENT', 'OK', 'WRONG', 'Check', 'checks_of_metadata']

#: States of a part: fine; not there, and not needed; not usable.
OK, ABSENT, WRONG = 'ok', 'absent', 'wrong'
PACKAGE = 'mmc2f'
#: Extras that somebody may miss, and what for.
EXTRAS = {
    'pretrained': 'weights of EfficientNet-Lite0, as the demo needs them',
    'optional': 'mim train mmc2f CONFIG',
}
#: What the message of an error says before the command that mends it.
RUN = '; run: '


@dataclass(frozen=True)
class Check:
    """One part of an installation.

    Attributes:
        name: Of the part.
        status: ``'ok'``, ``'absent'`` or ``'wrong'``.
        found: What was found, in words.
        mend: Command that mends it, where one is known.
    """

    name: str
    status: str
    found: str
    mend: str | None = None


def checks_of_metadata() -> Iterator[Check]:
    """Everything that can be told without importing anything."""
    yield Check('Python', OK, f'{platform.python_version()}, {_system()}')
    yield Check(PACKAGE, OK, __version__)
    yield _host()
    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield Check(
            'requirements',
            WRONG,
            'mmc2f runs from a folder, it is not installed',
            "pip install -e '.[openmmlab]'",
        )
        return
    required = [Requirement(line) for line in lines]
    for requirement in required:
        if not _extra_of(requirement) and _applies(requirement):
            yield _required(requirement)
    for extra, purpose in EXTRAS.items():
        yield _extra(extra, purpose, required)


def checks_of_mmdet() -> Iterator[Check]:
    """Parts that only some configs need. Looking for them imports mmcv."""
    yield _optional('mmdet', MMDET)
    yield _optional('ops of mmcv', COMPILED_OPS)


def _optional(name: str, part: str) -> Check:
    try:
        require(f'a config with {name}', part)
    except ImportError as error:
        found, _, command = str(error).partition(RUN)
        return Check(name, ABSENT, found, command or None)
    return Check(name, OK, 'installed')


def _system() -> str:
    return f'{platform.system()} on {platform.machine()}'


def _host() -> Check:
    """The family of OpenMMLab's packages."""
    installed = find_host()
    try:
        check_host(installed)
    except ImportError as error:
        found, _, command = str(error).partition(RUN)
        return Check('OpenMMLab', WRONG, found, command or None)
    is_maintained = any(name.startswith('onedl-') for name in installed)
    family = 'maintained' if is_maintained else 'original'
    versions = ', '.join(f'{name} {v}' for name, v in installed.items())
    return Check('OpenMMLab', OK, f'{family} family: {versions}')


def _extra_of(requirement: Requirement) -> bool:
    return 'extra' in str(requirement.marker or '')


def _applies(requirement: Requirement, extra: str = '') -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({'extra': extra})


def _version(requirement: Requirement) -> str | None:
    try:
        return metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return None


def _required(requirement: Requirement) -> Check:
    """A package that mmc2f cannot do without."""
    version = _version(requirement)
    wanted = f'{requirement.name}{requirement.specifier}'
    command = f"pip install '{wanted}'"
    if version is None:
        return Check(requirement.name, WRONG, 'not installed', command)
    if not requirement.specifier.contains(version, prereleases=True):
        found = f'{version}, but {requirement.specifier} is needed'
        return Check(requirement.name, WRONG, found, command)
    return Check(requirement.name, OK, version)


def _extra(extra: str, purpose: str, required: list[Requirement]) -> Check:
    missing = [
        requirement.name
        for requirement in required
        if _extra_of(requirement)
        and _applies(requirement, extra)
        and _version(requirement) is None
    ]
    name = f'extra {extra}'
    if not missing:
        return Check(name, OK, f'installed ({purpose})')
    found = f'{", ".join(missing)} missing ({purpose})'
    return Check(name, ABSENT, found, f"pip install 'mmc2f[{extra}]'")
