"""What is said when a config asks for a package that is not there."""

import subprocess
import sys

import pytest

from mmc2f import optional
from mmc2f.models import FPNNavigatorHead
from mmc2f.optional import COMPILED_OPS, MMDET, check_config, require
from mmc2f.registry import MODELS, TASK_UTILS

BOTH = (
    'needs mmdet and the compiled ops of mmcv, which are not installed; run: '
    "pip install 'mmc2f[mmdet]' && MMCV_WITH_OPS=1 pip install "
    '--force-reinstall --no-deps --no-build-isolation --no-cache-dir '
    'onedl-mmcv'
)
OPS = 'needs the compiled ops of mmcv, which are not installed; run: MMCV_WITH'
ANCHORS = dict(type='mmdet.AnchorGenerator', strides=[16], ratios=[1.0])


@pytest.fixture(autouse=True)
def without(monkeypatch):
    """Neither package, also where they are installed."""

    def missing(*names, host=('onedl-mmcv',)):
        monkeypatch.setattr(
            optional, '_is_installed', lambda n: n not in names
        )
        monkeypatch.setattr(optional, 'find_host', lambda: dict.fromkeys(host))

    missing(MMDET, COMPILED_OPS)
    return missing


def refusal(act, *args, **kwargs):
    with pytest.raises(ImportError) as caught:
        act(*args, **kwargs)
    message = str(caught.value)
    assert '\n' not in message and '. ' not in message
    return message


def test_a_part_of_mmdet_is_refused_in_one_sentence():
    assert refusal(MODELS.build, dict(type='mmdet.FPN')) == f'mmdet.FPN {BOTH}'
    assert refusal(TASK_UTILS.build, ANCHORS) == f'{ANCHORS["type"]} {BOTH}'


@pytest.mark.parametrize(
    ('name', 'cfg'),
    [
        ('neck', dict(type='mmdet.FPN')),
        ('neck', [dict(type='mmdet.FPN'), dict(type='mmdet.BFP')]),
        ('anchors', ANCHORS),
    ],
)
def test_the_part_that_asks_is_named(name, cfg):
    navigator = dict(
        type='mmc2f.FPNNavigatorHead', in_channels=(4, 6), **{name: cfg}
    )
    first = cfg[0] if isinstance(cfg, list) else cfg
    expected = f'{first["type"]}, the {name} of mmc2f.FPNNavigatorHead, {BOTH}'
    assert refusal(MODELS.build, navigator) == expected


def test_a_navigator_of_its_own_asks_too():
    message = refusal(FPNNavigatorHead, (4, 6), anchors=ANCHORS)
    assert message == f'mmdet.AnchorGenerator {BOTH}'


@pytest.mark.parametrize(
    ('asker', 'cfg'),
    [
        ('mmc2f.BatchedNMS', dict(type='mmc2f.BatchedNMS')),
        (
            'roi_layer of mmc2f.RegionCropper',
            dict(type='mmc2f.RegionCropper', roi_layer=dict(type='RoIAlign')),
        ),
    ],
)
def test_parts_of_ours_that_use_the_ops_name_themselves(asker, cfg):
    assert refusal(MODELS.build, cfg).startswith(f'{asker} {OPS}')


def test_places_in_a_whole_config():
    cfg = dict(loops=[dict(hooks=dict(draw=dict(type='mmdet.Hook')))])
    expected = f'mmdet.Hook, the draw of the hooks of the loops, {BOTH}'
    assert refusal(check_config, cfg) == expected


def test_only_what_is_missing_is_installed(without):
    without(MMDET)
    assert refusal(require, 'X', MMDET, COMPILED_OPS) == (
        'X needs mmdet, which is not installed; run: '
        "pip install 'mmc2f[mmdet]'"
    )
    without()
    require('X', MMDET, COMPILED_OPS)
    check_config(dict(neck=dict(type='mmdet.FPN')))


def test_the_original_family_is_kept(without):
    without(MMDET, COMPILED_OPS, host=('mmcv-lite', 'mmengine'))
    command = refusal(require, 'X', MMDET, COMPILED_OPS).partition('run: ')[2]
    assert command.startswith('pip install mmdet && pip uninstall -y mmcv mmc')
    assert 'onedl' not in command


def test_what_needs_neither_is_left_alone():
    check_config(dict(type='FPN', norm=dict(type='mmpretrain.LN'), fn=max))
    check_config(None)


def test_looking_for_a_package_that_is_not_there(monkeypatch):
    monkeypatch.undo()
    assert optional._is_installed('mmcv')
    assert not optional._is_installed('mmcv.nothing')
    assert not optional._is_installed('nothing_of_this_name')
    assert not optional._is_installed('nothing_of_this_name.at_all')


def test_importing_the_package_needs_neither():
    code = (
        'import sys; sys.modules.update({"mmdet": None, "mmcv._ext": None}); '
        'import mmc2f.models, mmc2f.engine, mmc2f.evaluation, '
        'mmc2f.datasets, mmc2f.retrieval, mmc2f.visualization'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
