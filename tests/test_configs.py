"""Every config is short and builds, and its facts reach its parts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmc2f.apis import load_config
from mmc2f.engine import build_stages

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
each_mlph = pytest.mark.parametrize(
    'path', MLPH + ABLATIONS, ids=lambda p: p.stem
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
    # A plain model of the same cost stands beside.
    same_cost = {'cub2010_lite0_320'}
    assert ccfr - others == plain - same_cost
    mlph = {path.stem.removeprefix('mlph_') for path in MLPH}
    assert mlph <= plain
    assert {path.stem[4:] for path in ABLATIONS} <= mlph
    assert sorted(CCFR + BASELINES + MLPH + ABLATIONS) == CONFIGS


@each_config
def test_is_short(path):
    lines = path.read_text(encoding='utf-8').split('"""')[-1].splitlines()
    code = [x for x in lines if x.strip() and x.strip()[0] != '#']
    # Another backbone and other parts of mmdet are told in full.
    others = path.stem.endswith(('convnext', 'swin', 'dinov2', 'mmdet'))
    assert len(code) <= (45 if others else 25)


@each_config
def test_data_is_looked_for_where_the_environment_says(path, monkeypatch):
    monkeypatch.setenv('MMC2F_DATA', 'somewhere')
    monkeypatch.setenv('MMC2F_CHECKPOINTS', 'elsewhere')
    cfg = load_config(path)
    assert cfg.data_root.startswith('somewhere/')
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        dataset = dataset.get('dataset', dataset)
        assert dataset.data_root == cfg.data_root
    weights = cfg.model.backbone.init_cfg.checkpoint
    assert weights.startswith(('elsewhere/', 'torchvision://', 'https://'))
    monkeypatch.delenv('MMC2F_DATA')
    monkeypatch.delenv('MMC2F_CHECKPOINTS')
    cfg = load_config(path)
    assert cfg.data_root.startswith('data/')
    weights = cfg.model.backbone.init_cfg.checkpoint
    assert weights.startswith(('checkpoints/', 'torchvision://', 'https://'))


@each_config
def test_facts_reach_the_rest(path):
    cfg = load_config(path)
    assert cfg.default_scope == 'mmpretrain'
    assert 'custom_imports' not in cfg
    assert cfg.model.num_classes == cfg.num_classes
    # They stand there alone.
    heads = [part for name, part in cfg.model.items() if 'head' in name]
    assert not any('num_classes' in head for head in heads)
    for loader, data in (
        (cfg.train_dataloader, cfg.train_data),
        (cfg.val_dataloader, cfg.test_data),
        (cfg.test_dataloader, cfg.test_data),
    ):
        dataset = dict(loader.dataset)
        assert dataset.pop('pipeline')[0].type == 'mmc2f.LoadImage'
        dataset = dataset.get('dataset', dataset)
        assert dataset == dict(data, data_root=cfg.data_root)
    batch_size = cfg.train_dataloader.batch_size
    assert cfg.auto_scale_lr.base_batch_size == batch_size
    assert cfg.model.data_preprocessor == cfg.data_preprocessor
    metrics = {metric.type: metric for metric in cfg.test_evaluator}
    assert metrics['mmc2f.ReRankMetric'].tree == cfg.taxonomy
    hooks = [hook.type for hook in cfg.custom_hooks]
    assert {'mmc2f.ClassCountHook', 'mmc2f.PlainCheckpointHook'} <= set(hooks)


@each_config
def test_stages_bring_their_length_and_their_rates(path):
    cfg = load_config(path)
    assert cfg.get('param_scheduler') is None
    assert 'max_epochs' not in cfg.train_cfg
    stages = build_stages(
        cfg.train_cfg.stages, cfg.train_cfg.get('stage_epochs')
    )
    names = [stage.name for stage in stages]
    method = path.stem.split('_')[0]
    if method == 'ccfr':
        # The paper's first stage, or the classifier alone, or both.
        first = ['classifier'] if _is_small(cfg) else ['pretraining']
        if 'fonts' in path.stem:
            first.append('pretraining')
        assert names == [*first, 'navigator', 'joint']
    else:
        assert len(names) == 1 + (method != 'baseline' or _is_small(cfg))
    # What trains the backbone comes to rest.
    assert all(s.schedule for s in stages if 'backbone' not in s.frozen)
    assert all(s.epochs >= 1 for s in stages)


def _is_small(cfg):
    return cfg.model.backbone.get('model_name') == 'tf_efficientnet_lite0'


@each_ccfr
def test_batches_of_ccfr_are_of_so_many_images_a_class(path):
    cfg = load_config(path)
    sampler = cfg.train_dataloader.sampler
    assert sampler.type == 'mmc2f.PKSampler'
    assert sampler.batch_size == cfg.train_dataloader.batch_size
    assert sampler.batch_size % sampler.num_images_per_class == 0


@each_mlph
def test_facts_reach_the_rest_of_mlph(path):
    cfg = load_config(path)
    assert cfg.model.tree == cfg.taxonomy
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
    else:
        assert trained.views == cfg.views[:1]
        assert cfg.model.head.type in ('LinearClsHead', 'mmc2f.CosineClsHead')
    is_hbp = path.stem.startswith('hbp')
    assert ((0, 1, 2) in cfg.model.neck.interactions) != is_hbp


@pytest.mark.parametrize('name', [p.stem[9:] for p in BASELINES])
def test_both_train_on_the_same_data_for_as_long(name):
    ccfr, plain = (
        load_config(TESTS.parent / 'configs' / f'{kind}.py')
        # A plain model of the same cost has an input of 320 pixels.
        for kind in (f'ccfr_{name.removesuffix("_320")}', f'baseline_{name}')
    )
    for key in ('num_classes', 'train_data', 'test_data', 'data_root'):
        assert ccfr[key] == plain[key]
    loaders = ccfr.train_dataloader, plain.train_dataloader
    assert loaders[0].batch_size == loaders[1].batch_size
    assert ccfr.model.backbone.init_cfg == plain.model.backbone.init_cfg
    lengths = [
        sum(stage.epochs for stage in build_stages(cfg.train_cfg.stages))
        for cfg in (ccfr, plain)
    ]
    assert lengths[0] >= lengths[1]
