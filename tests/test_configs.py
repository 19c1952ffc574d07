"""Every config builds, and its top is what the rest of it follows."""

import json
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest
from mmengine.config import Config

TESTS = Path(__file__).parent
CONFIGS = sorted((TESTS.parent / 'configs').glob('*.py'))
CCFR = [path for path in CONFIGS if path.stem.startswith('ccfr')]
BASELINES = [path for path in CONFIGS if path.stem.startswith('baseline')]
MLPH = [path for path in CONFIGS if path.stem.startswith('mlph')]
ABLATIONS = [p for p in CONFIGS if p.stem.startswith(('mlp_', 'hbp_'))]

each_config = pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
# Where mmdet is missing, these are read but not built.
each_buildable = pytest.mark.parametrize(
    'path',
    [
        pytest.param(
            path,
            marks=pytest.mark.mmdet if path.stem.endswith('_mmdet') else (),
        )
        for path in CONFIGS
    ],
    ids=lambda p: p.stem,
)
each_ccfr = pytest.mark.parametrize('path', CCFR, ids=lambda p: p.stem)
each_staged = pytest.mark.parametrize(
    'path', CCFR + MLPH + ABLATIONS, ids=lambda p: p.stem
)
each_mlph = pytest.mark.parametrize(
    'path', MLPH + ABLATIONS, ids=lambda p: p.stem
)
each_baseline = pytest.mark.parametrize(
    'path', BASELINES, ids=lambda p: p.stem
)


def build_all(how, folder, request):
    """Errors by config, from one fresh interpreter for all of them."""
    wanted = asked_for(request)
    # Those first that need this package, which nothing has imported then.
    paths = [p for p in CCFR + MLPH + ABLATIONS + BASELINES if p in wanted]
    done = subprocess.run(
        [sys.executable, TESTS / 'build_configs.py', how, folder, *paths],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    lines = [line for line in done.stdout.splitlines() if line[:1] == '{']
    assert done.returncode == 0, done.stderr
    return {r['config']: r['error'] for r in map(json.loads, lines)}


def asked_for(request):
    """Configs of the tests that use the fixture and are not skipped."""
    return {
        item.callspec.params['path']
        for item in request.session.items
        if request.fixturename in item.fixturenames
        and not item.get_closest_marker('skip')
    }


@pytest.fixture(scope='module')
def model_errors(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp('get_model')
    return build_all('get_model', folder, request)


@pytest.fixture(scope='module')
def runner_errors(tmp_path_factory, request):
    return build_all('runner', tmp_path_factory.mktemp('runner'), request)


@each_buildable
def test_builds_through_get_model_by_the_prefix_alone(path, model_errors):
    assert model_errors[str(path)] is None, model_errors[str(path)]


@each_buildable
def test_builds_through_the_runner(path, runner_errors):
    assert runner_errors[str(path)] is None, runner_errors[str(path)]


def test_each_method_has_a_plain_counterpart():
    plain = {path.stem.removeprefix('baseline_') for path in BASELINES}
    ccfr = {path.stem.removeprefix('ccfr_') for path in CCFR}
    others = {'mlp_cub', 'cub_convnext', 'cub_swin', 'cub_dinov2'}
    others |= {'cub_mmdet', 'fonts_mmdet'}
    assert ccfr - others == plain
    mlph = {path.stem.removeprefix('mlph_') for path in MLPH}
    assert mlph <= plain
    assert {path.stem[4:] for path in ABLATIONS} <= mlph
    assert sorted(CCFR + BASELINES + MLPH + ABLATIONS) == CONFIGS


@each_config
def test_data_is_looked_for_where_the_environment_says(path, monkeypatch):
    monkeypatch.setenv('MMC2F_DATA', 'somewhere')
    monkeypatch.setenv('MMC2F_CHECKPOINTS', 'elsewhere')
    cfg = Config.fromfile(path)
    assert cfg.data_root.startswith('somewhere/')
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        dataset = dataset.get('dataset', dataset)
        assert dataset.data_root == cfg.data_root
    weights = cfg.model.backbone.init_cfg.checkpoint
    assert weights.startswith(('elsewhere/', 'torchvision://', 'https://'))
    monkeypatch.delenv('MMC2F_DATA')
    monkeypatch.delenv('MMC2F_CHECKPOINTS')
    cfg = Config.fromfile(path)
    assert cfg.data_root.startswith('data/')
    weights = cfg.model.backbone.init_cfg.checkpoint
    assert weights.startswith(('checkpoints/', 'torchvision://', 'https://'))


@each_config
def test_top_sets_the_rest(path):
    cfg = Config.fromfile(path)
    assert cfg.default_scope == 'mmpretrain'
    assert 'custom_imports' not in cfg
    heads = [part for name, part in cfg.model.items() if 'head' in name]
    assert {head.num_classes for head in heads} == {cfg.num_classes}
    for loader, data in (
        (cfg.train_dataloader, cfg.train_data),
        (cfg.val_dataloader, cfg.test_data),
        (cfg.test_dataloader, cfg.test_data),
    ):
        dataset = dict(loader.dataset)
        assert dataset.pop('pipeline')[0].type == 'mmc2f.LoadImage'
        assert dataset.get('dataset', dataset) == data
    assert cfg.train_dataloader.batch_size == cfg.batch_size
    assert cfg.auto_scale_lr.base_batch_size == cfg.batch_size
    assert cfg.optim_wrapper.optimizer.lr == cfg.learning_rate
    assert cfg.model.data_preprocessor == cfg.data_preprocessor
    metrics = {metric.type: metric for metric in cfg.test_evaluator}
    assert metrics['mmc2f.ReRankMetric'].tree == cfg.taxonomy
    hooks = [hook.type for hook in cfg.custom_hooks]
    assert {'mmc2f.ClassCountHook', 'mmc2f.PlainCheckpointHook'} <= set(hooks)


@each_staged
def test_stages_and_schedules_agree(path):
    cfg = Config.fromfile(path)
    hooks = {hook.type: hook for hook in cfg.custom_hooks}
    stages = hooks['mmc2f.TrainingStageHook'].stages
    assert tuple(stage.epochs for stage in stages) == tuple(cfg.stage_epochs)
    ends = list(accumulate(cfg.stage_epochs))
    assert [s.end for s in cfg.param_scheduler] == ends
    assert [s.begin for s in cfg.param_scheduler] == [0, *ends[:-1]]
    assert cfg.train_cfg.max_epochs == ends[-1]


@each_ccfr
def test_top_of_ccfr_sets_the_rest(path):
    cfg = Config.fromfile(path)
    assert cfg.model.global_head.tree == cfg.tree
    sampler = cfg.train_dataloader.sampler
    assert sampler.num_images_per_class == cfg.images_per_class
    classes = sampler.num_classes_per_batch
    assert classes * cfg.images_per_class == cfg.batch_size
    assert classes <= cfg.num_classes
    hooks = {hook.type: hook for hook in cfg.custom_hooks}
    processor = hooks['mmc2f.ReRankHook'].post_processor
    for name in ('topn', 'topm', 't_sf', 't_sc', 'gate'):
        assert processor[name] == cfg[name]


@each_mlph
def test_top_of_mlph_sets_the_rest(path):
    cfg = Config.fromfile(path)
    neck, head = cfg.model.neck, cfg.model.head
    assert neck.channels == cfg.channels
    assert neck.interactions == cfg.interactions
    assert head.in_channels == len(cfg.interactions) * cfg.channels
    trained = cfg.train_dataloader.dataset
    tested = cfg.test_dataloader.dataset
    assert trained.tree == tested.tree == cfg.taxonomy
    assert tested.views == cfg.views
    names = [step.type for step in tested.pipeline]
    assert names[-2:] == ['mmc2f.DegradeResolution', 'PackInputs']
    assert [step.type for step in trained.pipeline][-2:] == names[-2:]
    sampler = cfg.train_dataloader.batch_sampler
    assert sampler.type == 'mmc2f.RoundRobinBatchSampler'
    if path in MLPH:
        assert trained.views == cfg.views
        assert head.tree == cfg.taxonomy
    else:
        assert trained.views == cfg.views[:1]
        assert head.type == 'LinearClsHead'
    assert ((0, 1, 2) in cfg.interactions) != path.stem.startswith('hbp')
    hooks = {hook.type: hook for hook in cfg.custom_hooks}
    processor = hooks['mmc2f.ReRankHook'].post_processor
    for name in ('topn', 'topm', 't_sf', 't_sc', 'gate'):
        assert processor[name] == cfg[name]


@each_baseline
def test_baseline_trains_as_long_as_it_says(path):
    cfg = Config.fromfile(path)
    assert cfg.train_cfg.max_epochs == cfg.max_epochs
    assert cfg.param_scheduler.T_max == cfg.max_epochs


@pytest.mark.parametrize('name', [p.stem[9:] for p in BASELINES])
def test_both_train_on_the_same_data_for_as_long(name):
    ccfr, plain = (
        Config.fromfile(TESTS.parent / 'configs' / f'{kind}_{name}.py')
        for kind in ('ccfr', 'baseline')
    )
    for key in ('num_classes', 'train_data', 'test_data', 'batch_size'):
        assert ccfr[key] == plain[key]
    assert ccfr.model.backbone.init_cfg == plain.model.backbone.init_cfg
    assert ccfr.train_cfg.max_epochs >= plain.max_epochs
