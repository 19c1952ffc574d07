import subprocess
import sys
from importlib import metadata

import pytest

import mmc2f
from mmc2f.host import HOST, check_host, find_host

MAINTAINED = {
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmpretrain': '1.3.6',
}
ORIGINAL = {'mmengine': '0.10.7', 'mmcv-lite': '2.2.0', 'mmpretrain': '1.2.0'}


def complaint(installed: dict[str, str]) -> str:
    with pytest.raises(ImportError) as caught:
        check_host(installed)
    return str(caught.value)


@pytest.mark.parametrize(
    'installed',
    [
        MAINTAINED,
        ORIGINAL,
        {'mmengine-lite': '0.10', 'mmcv': '2.0.0', 'mmpretrain': '1.2.0'},
        {**MAINTAINED, 'onedl-mmengine': '0.11.0rc1', 'timm': '0.1'},
    ],
)
def test_either_family_is_accepted(installed):
    assert check_host(installed) is None


def test_nothing_installed_recommends_the_maintained_family():
    message = complaint({'torch': '2.15.0'})
    assert message.startswith(
        'mmc2f extends mmengine, mmcv, mmpretrain, which are not installed'
    )
    assert message.endswith(
        "run: pip install 'onedl-mmengine>=0.10' 'onedl-mmcv>=2.0' "
        "'onedl-mmpretrain>=1.2'"
    )


@pytest.mark.parametrize(
    ('family', 'missing', 'command'),
    [
        (MAINTAINED, 'onedl-mmpretrain', "'onedl-mmpretrain>=1.2'"),
        (ORIGINAL, 'mmpretrain', "'mmpretrain>=1.2'"),
        (ORIGINAL, 'mmcv-lite', "'mmcv-lite>=2.0'"),
    ],
)
def test_a_missing_part_is_recommended_from_the_same_family(
    family, missing, command
):
    rest = {name: v for name, v in family.items() if name != missing}
    message = complaint(rest)
    assert 'which is not installed' in message
    assert message.endswith(f'run: pip install {command}')


@pytest.mark.parametrize(
    ('family', 'name', 'version', 'sentence', 'command'),
    [
        (
            MAINTAINED,
            'onedl-mmengine',
            '0.9.1',
            'needs mmengine 0.10 or newer, but onedl-mmengine is 0.9.1',
            "pip install --upgrade 'onedl-mmengine>=0.10'",
        ),
        (
            ORIGINAL,
            'mmpretrain',
            '1.2.0rc1',
            'needs mmpretrain 1.2 or newer, but mmpretrain is 1.2.0rc1',
            "pip install --upgrade 'mmpretrain>=1.2'",
        ),
        (
            ORIGINAL,
            'mmcv-lite',
            '2.0.0rc4',
            'needs mmcv 2.0 or newer, but mmcv-lite is 2.0.0rc4',
            "pip install --upgrade 'mmcv-lite>=2.0'",
        ),
    ],
)
def test_too_old_is_upgraded_under_its_own_name(
    family, name, version, sentence, command
):
    message = complaint({**family, name: version})
    assert sentence in message
    assert message.endswith(f'run: {command}')


def test_a_name_that_never_reached_the_version_is_replaced():
    message = complaint(
        {'mmengine': '0.10.7', 'mmcv-full': '1.7.2', 'mmpretrain': '1.2.0'}
    )
    assert message.endswith(
        "run: pip uninstall -y mmcv-full && pip install 'mmcv-lite>=2.0'"
    )


def test_both_families_are_removed_before_one_is_installed():
    message = complaint({**MAINTAINED, 'mmengine': '0.10.7'})
    assert 'onedl-mmengine and mmengine are installed over' in message
    assert message.endswith(
        'run: pip uninstall -y onedl-mmengine mmengine onedl-mmcv '
        "onedl-mmpretrain && pip install 'onedl-mmengine>=0.10' "
        "'onedl-mmcv>=2.0' 'onedl-mmpretrain>=1.2'"
    )


def test_two_of_one_family_over_each_other_are_refused():
    message = complaint({**ORIGINAL, 'mmcv': '2.1.0'})
    assert 'mmcv and mmcv-lite are installed over each other' in message


@pytest.mark.parametrize('installed', [{}, {**ORIGINAL, 'mmcv': '2.1.0'}])
def test_a_complaint_is_one_line(installed):
    assert '\n' not in complaint(installed)


def test_this_environment_passes_and_is_found_by_its_metadata():
    found = find_host()
    assert check_host(found) is None
    assert all(
        sum(name in found for name in names) == 1 for _, names in HOST.values()
    )
    assert all(metadata.version(name) == v for name, v in found.items())


def test_import_does_not_load_the_host():
    code = (
        'import sys, mmc2f; '
        "print([m for m in ('torch', 'numpy', 'mmengine', 'mmpretrain') "
        'if m in sys.modules], mmc2f.__version__)'
    )
    output = subprocess.check_output([sys.executable, '-c', code], text=True)
    assert output.strip() == f'[] {mmc2f.__version__}'


def test_import_fails_at_once_without_the_host():
    code = (
        'from importlib import metadata\n'
        'metadata.distributions = lambda name: []\n'
        'import mmc2f\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith('ImportError: mmc2f extends mmengine')
