"""Builds mmc2f and lays out ``.mim``, the files that ``mim`` works with.

Everything but the package itself -- configs, tools, the model index -- is
copied into a wheel as ``mmc2f/.mim``. An editable install gets links
instead, so that no stale copy can be run.
"""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_PARTS = ('configs', 'tools', 'model-index.yml')
EXTRAS = (
    *('openmmlab', 'mminstall', 'mmdet'),
    *('pretrained', 'optional', 'scale', 'export', 'web', 'tests', 'docs'),
)
# The packages of mminstall overwrite those of openmmlab, and mmdet holds back
# torch and needs more than pip installs.
NOT_IN_ALL = ('mminstall', 'mmdet')
# onedl-mim 0.5 takes the top folder of the first path in RECORD for the
# package. Pip sorts RECORD, and "../../../bin/mmc2f" stands first, before
# "mmc2f/"; "+" sorts before "." and brings a folder with .mim to the front.
MIM_HOMES = ('mmc2f/.mim', '+mmc2f/.mim')


class BuildPy(build_py):
    """Adds ``.mim`` to what is built."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            link_mim(ROOT / 'mmc2f' / '.mim')
            return
        # An earlier build leaves files here that the source no longer has.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        for home in MIM_HOMES:
            copy_mim(Path(self.build_lib, home))


def copy_mim(home: Path) -> None:
    """Copies the parts, and gives each config a name without its suffix.

    ``mim`` finds a config by the whole file name. The empty file
    ``configs/ccfr_fonts`` lets ``mim train mmc2f ccfr_fonts`` find it too;
    the tools then open the ``.py`` beside it.
    """
    for part in MIM_PARTS:
        source, copy = ROOT / part, home / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignore = shutil.ignore_patterns('__pycache__')
            shutil.copytree(source, copy, ignore=ignore)
        else:
            shutil.copyfile(source, copy)
    for config in (home / 'configs').glob('*.py'):
        config.with_suffix('').touch()


def link_mim(home: Path) -> None:
    """Links the parts, and each config under its name without suffix.

    ``mim`` resolves the link of a config, so no tool sees the short name.
    """
    shutil.rmtree(home, ignore_errors=True)
    (home / 'names').mkdir(parents=True)
    for part in MIM_PARTS:
        link(home / part, ROOT / part)
    for config in (ROOT / 'configs').glob('*.py'):
        link(home / 'names' / config.stem, config)


def link(place: Path, target: Path) -> None:
    # Relative, so that the checkout can be moved.
    place.symlink_to(os.path.relpath(target, place.parent))


def requirements(name: str) -> list[str]:
    """The requirements of one file, without its comments."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


def version() -> str:
    scope: dict[str, str] = {}
    exec((ROOT / 'mmc2f' / 'version.py').read_text(), scope)
    return scope['__version__']


def readme() -> str:
    path = ROOT / 'README.md'
    return path.read_text(encoding='utf-8') if path.exists() else ''


extras = {name: requirements(name) for name in EXTRAS}
extras['all'] = sorted(
    {
        line
        for name in EXTRAS
        if name not in NOT_IN_ALL
        for line in extras[name]
    }
)

setup(
    name='mmc2f',
    version=version(),
    description='Coarse-to-fine recognition of fine-grained classes, '
    'a plug-in for mmpretrain',
    long_description=readme(),
    long_description_content_type='text/markdown',
    packages=find_packages(include=['mmc2f', 'mmc2f.*']),
    package_data={
        'mmc2f': ['taxonomies/*.csv', 'taxonomies/*.md'],
        'mmc2f.web': ['*.css', '*.js'],
    },
    include_package_data=False,
    python_requires='>=3.10,<3.13',
    install_requires=requirements('runtime'),
    extras_require=extras,
    cmdclass={'build_py': BuildPy},
    entry_points={'console_scripts': ['mmc2f = mmc2f.cli.app:main']},
    classifiers=[
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    zip_safe=False,
)
