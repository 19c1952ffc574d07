"""What a wheel and an sdist hold, and whether ``mim`` finds its way in it."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_SOURCE = ('.*', 'work_dirs', 'data', 'checkpoints', 'build', 'dist')
BUILD_SDIST = (
    'import sys; from setuptools import build_meta; '
    'build_meta.build_sdist(sys.argv[1])'
)


def run(*command: str | Path, **kwargs: object) -> str:
    """Runs a command and returns its output, which an error shows too."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **kwargs,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def pip(*args: str | Path) -> str:
    return run(sys.executable, '-m', 'pip', '-q', *args)


@pytest.fixture(scope='module')
def checkout(tmp_path_factory) -> Path:
    """A copy to build in, since a build writes into its source."""
    copy = tmp_path_factory.mktemp('checkout') / 'mmc2f'
    ignore = shutil.ignore_patterns(*NOT_SOURCE, '__pycache__', '*.egg-info')
    shutil.copytree(ROOT, copy, ignore=ignore)
    return copy


@pytest.fixture(scope='module')
def wheel(checkout) -> Path:
    """A wheel built beside the leftovers of an older build."""
    leftover = checkout / 'build' / 'lib' / 'mmc2f' / '.mim' / 'configs'
    leftover.mkdir(parents=True)
    (leftover / 'renamed_since.py').touch()
    out = checkout.parent / 'wheel'
    pip('wheel', '--no-deps', '--no-build-isolation', '-w', out, checkout)
    return next(out.glob('mmc2f-*.whl'))


@pytest.fixture(scope='module')
def sdist(checkout) -> Path:
    out = checkout.parent / 'sdist'
    run(sys.executable, '-c', BUILD_SDIST, out, cwd=checkout)
    return next(out.glob('mmc2f-*.tar.gz'))


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory) -> Path:
    """A folder that the wheel is installed in, with pip's own records."""
    folder = tmp_path_factory.mktemp('elsewhere')
    pip('install', '--no-deps', '--no-compile', '--target', folder, wheel)
    return folder


@pytest.fixture(scope='module')
def mim(installed):
    """Evaluates an expression on mim's own functions, where it finds us."""
    pytest.importorskip('mim', reason='install onedl-mim to test mim')

    def evaluate(imports: str, expression: str):
        code = f'import json; {imports}; print(json.dumps({expression}))'
        environment = {**os.environ, 'PYTHONPATH': str(installed)}
        output = run(
            *(sys.executable, '-c', code),
            cwd=installed.parent,
            env=environment,
        )
        return json.loads(output.splitlines()[-1])

    return evaluate


def source_files(*folders: str) -> set[str]:
    """Tracked-like files of the checkout, relative to it."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob('*')
        if path.is_file()
        and '__pycache__' not in path.parts
        and '.mim' not in path.parts
    }


def test_wheel_holds_the_package_and_what_mim_needs(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    assert source_files('mmc2f') <= held
    parts = source_files('configs', 'tools') | {'model-index.yml'}
    assert 'tools/train.py' in parts
    assert {f'mmc2f/.mim/{part}' for part in parts} <= held
    assert {f'+mmc2f/.mim/{part}' for part in parts} <= held


def test_wheel_holds_nothing_else(wheel):
    tops = {name.split('/')[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {re.sub(r'-.*', '', top) for top in tops} == {'mmc2f', '+mmc2f'}


def test_wheel_forgets_files_of_an_older_build(wheel):
    held = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in held if 'renamed_since' in name]


def test_every_config_has_a_name_without_suffix(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for config in (ROOT / 'configs').glob('*.py'):
        assert f'mmc2f/.mim/configs/{config.stem}' in held


def test_sdist_holds_the_sources_once(sdist):
    with tarfile.open(sdist) as archive:
        held = {name.partition('/')[2] for name in archive.getnames()}
    wanted = source_files('mmc2f', 'configs', 'tools', 'requirements')
    assert wanted | {'model-index.yml', 'Makefile'} <= held
    assert not [name for name in held if '.mim' in name]


def test_wheel_from_the_sdist_is_the_same(sdist, wheel, tmp_path):
    pip('wheel', '--no-deps', '--no-build-isolation', '-w', tmp_path, sdist)
    again = zipfile.ZipFile(next(tmp_path.glob('*.whl'))).namelist()
    assert sorted(again) == sorted(zipfile.ZipFile(wheel).namelist())


def test_metadata_names_the_needs(wheel):
    archive = zipfile.ZipFile(wheel)
    name = next(n for n in archive.namelist() if n.endswith('/METADATA'))
    metadata = archive.read(name).decode()
    python = re.search(r'^Requires-Python: (.*)$', metadata, re.M).group(1)
    assert set(python.split(',')) == {'>=3.10', '<3.13'}
    assert re.search(r'^Requires-Dist: torch!=2\.13\.0', metadata, re.M)
    assert 'Provides-Extra: openmmlab' in metadata
    everything = re.findall(
        r'^Requires-Dist: (.*extra == "all")', metadata, re.M
    )
    assert [line for line in everything if line.startswith('onedl-mmcv')]
    # The other family would be installed over the first, and mmdet holds back
    # torch.
    assert not [line for line in everything if line.startswith('mm')]
    assert not [line for line in everything if 'mmdet' in line]
    assert re.search(
        r'^Requires-Dist: onedl-mmdetection>=3\.5; extra == "mmdet"',
        metadata,
        re.M,
    )


def test_editable_install_links(checkout, tmp_path):
    pip(
        *('install', '--no-deps', '--no-build-isolation'),
        *('--target', tmp_path, '-e', checkout),
    )
    home = checkout / 'mmc2f' / '.mim'
    for part in ('configs', 'tools', 'model-index.yml'):
        assert (home / part).is_symlink()
        assert (home / part).resolve() == (checkout / part).resolve()
        assert not Path(os.readlink(home / part)).is_absolute()
    names = {path.name: path.resolve() for path in (home / 'names').iterdir()}
    configs = list((checkout / 'configs').glob('*.py'))
    assert names == {config.stem: config.resolve() for config in configs}


def test_config_names_are_unique_as_mim_finds_by_name():
    names = [path.name for path in (ROOT / 'configs').glob('**/*.py')]
    assert sorted(names) == sorted(set(names))


def test_mim_finds_the_installed_package_and_its_models(mim, installed):
    path, models = mim(
        'from mim.utils import get_installed_path as path; '
        'from mim.commands.search import get_model_info as info',
        '[path("mmc2f"), list(info("mmc2f", to_dict=True))]',
    )
    assert Path(path, '.mim', 'tools', 'train.py').is_file()
    assert installed in Path(path).parents
    configs = {path.stem for path in (ROOT / 'configs').glob('*.py')}
    assert configs <= set(models)


def test_metafiles_name_configs_that_exist():
    metafiles = (ROOT / 'configs').glob('metafile_*.yml')
    text = ''.join(path.read_text() for path in metafiles)
    named = re.findall(r'Config: (\S+)', text)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize(
    ('tool', 'weights'), [('train', []), ('test', ['trained.pth'])]
)
def test_mim_starts_our_tools(mim, tool, weights):
    # The last step, which would train, only records its command. Before it
    # mim asks train.py for its help text, so the tool does start.
    imports = (
        'import subprocess; '
        f'from mim.commands.{tool} import {tool} as tool; '
        'calls = []; '
        'subprocess.check_call = '
        'lambda command, **kwargs: calls.append(command) or 0'
    )
    more = {'checkpoint': weights[0]} if weights else {}
    commands = mim(
        imports,
        '[tool(package="mmc2f", config=name, gpus=0, '
        f'**{more}) for name in ("ccfr_fonts", "ccfr_fonts.py")] and calls',
    )
    assert len(commands) == 2
    for _, script, config, *rest in commands:
        assert Path(script).name == f'{tool}.py'
        assert Path(script).is_file()
        assert Path(script).parents[1].name == '.mim'
        assert Path(config).with_suffix('.py').is_file()
        assert rest == [*weights, '--launcher', 'none']


@pytest.mark.parametrize(
    ('tool', 'weights'), [('train', []), ('test', ['trained.pth'])]
)
def test_our_tools_take_a_config_without_its_suffix(tool, weights):
    parse_args = runpy.run_path(str(ROOT / f'tools/{tool}.py'))['parse_args']
    args = parse_args(['configs/ccfr_fonts', *weights])
    assert args.config == 'configs/ccfr_fonts.py'
