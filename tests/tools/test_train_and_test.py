"""From a config and a folder of images to re-ranked predictions."""

import json
import os
import shutil

import pytest
import torch
from held_work_dir import held
from mmengine.config import Config
from tiny_ccfr import (
    CLASSES,
    IMAGES_PER_CLASS,
    own_default_scope,
    write_images,
)
from tool_helpers import ROOT, load_tool, write_config

from mmc2f.apis import WorkDirInUse, load_config
from mmc2f.apis.command_line import run_tool
from mmc2f.apis.label_tree import tree_of_checkpoint
from mmc2f.datasets.cub_annotations import (
    ObjectParts,
    write_cub_annotations,
)
from mmc2f.structures import LabelTree

NUM_IMAGES = IMAGES_PER_CLASS * len(CLASSES)
NO_WORKERS = [
    '--cfg-options',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'test_dataloader.num_workers=0',
]
train, test = load_tool('train.py'), load_tool('test.py')


@pytest.fixture(autouse=True)
def _own_local_rank(monkeypatch):
    """The tools set it for good."""
    monkeypatch.setenv('LOCAL_RANK', '0')


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('images')
    return write_images(folder, splits=('train', 'test'), size=128)


@pytest.fixture(scope='module')
def config(images, tmp_path_factory):
    return write_config(tmp_path_factory.mktemp('config') / 'own.py', images)


@pytest.fixture(scope='module')
def work_dir(config, tmp_path_factory):
    """Of a training through all stages."""
    folder = tmp_path_factory.mktemp('work')
    with own_default_scope():
        train.main([str(config), '--work-dir', str(folder), *NO_WORKERS])
    return folder


@pytest.fixture
def run_test(config, work_dir, tmp_path):
    """Tests the trained model."""

    def run(*options):
        return test.main(
            [
                *(str(config), str(work_dir / 'epoch_4.pth')),
                *('--work-dir', str(tmp_path / 'work')),
                *map(str, options),
                *NO_WORKERS,
            ]
        )

    return run


def read_log(work_dir):
    """What each iteration of the latest training logged."""
    log = max(work_dir.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_trains_through_all_stages(work_dir):
    checkpoint = (work_dir / 'last_checkpoint').read_text()
    assert checkpoint == str(work_dir / 'epoch_4.pth')
    # Random weights would answer as well; these have been trained.
    first, last = (
        torch.load(work_dir / f'epoch_{i}.pth', weights_only=True)
        for i in (3, 4)
    )
    for part in ('backbone', 'region_head', 'head'):
        assert any(
            not value.equal(last['state_dict'][name])
            for name, value in first['state_dict'].items()
            if name.startswith(f'{part}.')
        )
    assert any('accuracy/top1' in line for line in read_log(work_dir))


def test_tree_is_clustered_written_and_kept(work_dir):
    tree = LabelTree.from_json(work_dir / 'label_tree.json')
    assert tree.names() == CLASSES
    assert tree.num_classes(1) == 2
    assert tree_of_checkpoint(str(work_dir / 'epoch_4.pth')) == tree
    dumped = Config.fromfile(work_dir / 'own.py')
    assert LabelTree.build(dumped.model.tree.to_dict()) == tree
    # The facts of the dump must not undo it.
    loaded = load_config(work_dir / 'own.py')
    assert loaded.model.tree == dumped.model.tree


@pytest.mark.skipif(torch.cuda.is_available(), reason='trains on the GPU')
def test_log_tells_what_was_chosen_for_the_cpu(work_dir):
    log = max(work_dir.glob('*/*.log')).read_text()
    (line,) = [line for line in log.splitlines() if ' - CPU: ' in line]
    assert 'thread(s)' in line and 'memory' in line


def test_checkpoint_needs_no_trust(work_dir):
    loaded = torch.load(work_dir / 'epoch_4.pth', weights_only=True)
    assert loaded['meta']['epoch'] == 4


def test_coarse_answers_alone(run_test):
    metrics = run_test('--no-rerank')
    assert 'rerank/coarse_top1' in metrics
    assert 'rerank/rerank_top1' not in metrics


def test_a_second_training_is_refused_but_not_a_test(
    config, work_dir, run_test
):
    before = sorted(work_dir.iterdir())
    with held(work_dir) as holder:
        with pytest.raises(WorkDirInUse, match=f'process {holder.pid} on'):
            train.main([str(config), '--work-dir', str(work_dir)])
        assert sorted(work_dir.iterdir()) == before
        assert 'rerank/coarse_top1' in run_test('--no-rerank')


def test_gallery_is_built_once_and_reused(run_test, tmp_path):
    gallery = tmp_path / 'gallery.safetensors'
    built = run_test('--gallery', gallery)
    assert {'rerank/retrieval_top1', 'rerank/rerank_top1'} <= set(built)
    content = gallery.read_bytes()
    os.utime(gallery, (1, 1))
    # The config re-ranks anyway; saying so changes nothing.
    loaded = run_test('--rerank', '--gallery', gallery)
    assert loaded == built
    assert gallery.stat().st_mtime == 1
    assert gallery.read_bytes() == content


def test_predictions_are_written_with_their_neighbours(run_test, tmp_path):
    out = tmp_path / 'new' / 'predictions.jsonl'
    metrics = run_test('--out', out)
    assert metrics['predictions/written'] == NUM_IMAGES
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert {record['truth'] for record in records} == set(CLASSES)
    right = [r['reranked'][0]['class'] == r['truth'] for r in records]
    share = 100 * sum(right) / len(right)
    assert metrics['rerank/rerank_top1'] == pytest.approx(share)
    for record in records:
        assert len(record['neighbours']) == NUM_IMAGES
        assert all(
            n['image'].startswith('train/') for n in record['neighbours']
        )
        assert len(record['regions']) == 2


def test_boxes_are_written_in_the_format_of_coco(run_test, tmp_path):
    out = tmp_path / 'new' / 'boxes.json'
    metrics = run_test('--no-rerank', '--boxes', out)
    assert metrics['coco/images'] == NUM_IMAGES
    boxes = json.loads(out.read_text())
    assert len(boxes) == 2 * NUM_IMAGES
    meaning = json.loads(out.with_name('boxes_images.json').read_text())
    assert [c['name'] for c in meaning['categories']] == list(CLASSES)


def test_boxes_are_judged_by_annotations(run_test, images, tmp_path):
    # Everywhere in the image of 128 x 128 there is a part.
    place = torch.arange(8.0, 128, 16)
    everywhere = ObjectParts(
        torch.tensor([0, 0, 128, 128]), torch.cartesian_prod(place, place)
    )
    paths = [p.relative_to(images) for p in sorted(images.glob('test/*/*'))]
    assert len(paths) == NUM_IMAGES
    objects = {path.as_posix(): everywhere for path in paths}
    names = [f'part {i}' for i in range(len(everywhere.parts))]
    write_cub_annotations(tmp_path, objects, names)
    metrics = run_test('--no-rerank', '--annotations', tmp_path)
    for name in ('part', 'part_random', 'part_shuffled', 'object'):
        assert metrics[f'boxes/{name}'] == pytest.approx(100), name
    assert metrics['boxes/part_count'] == metrics['boxes/part_count_shuffled']


def test_training_resumes_from_the_latest_checkpoint(
    config, work_dir, tmp_path
):
    stopped = tmp_path / 'stopped'
    stopped.mkdir()
    shutil.copy(work_dir / 'epoch_3.pth', stopped)
    (stopped / 'last_checkpoint').write_text(str(stopped / 'epoch_3.pth'))
    # Clustering would make three groups now.
    options = [*NO_WORKERS, 'tree.num_clusters=3']
    train.main([str(config), '--work-dir', str(stopped), '--resume', *options])
    assert (stopped / 'epoch_4.pth').exists()
    assert not (stopped / 'epoch_1.pth').exists()
    assert not (stopped / 'label_tree.json').exists()
    tree = tree_of_checkpoint(str(stopped / 'epoch_4.pth'))
    assert tree == LabelTree.from_json(work_dir / 'label_tree.json')
    weights = torch.load(stopped / 'epoch_4.pth', weights_only=True)
    assert weights['meta']['epoch'] == 4


def refused(tmp_path, error, message, config):
    with pytest.raises(error, match=message):
        train.main([str(config), '--work-dir', str(tmp_path), *NO_WORKERS])


def test_missing_data_is_named(tmp_path):
    config = write_config(tmp_path / 'own.py', tmp_path / 'nowhere')
    message = r"image folder '.*/nowhere/train' does not exist; set .*MMC2F_DA"
    refused(tmp_path, FileNotFoundError, message, config)


def test_missing_weights_are_named_with_the_remedy(images, tmp_path):
    missing = dict(type='Pretrained', checkpoint=str(tmp_path / 'lite.pth'))
    config = write_config(tmp_path / 'own.py', images, init_cfg=missing)
    message = r'lite.pth: no such file.*`make checkpoints`'
    refused(tmp_path, FileNotFoundError, message, config)


def test_a_work_dir_that_cannot_be_made_is_one_sentence(config, tmp_path):
    (tmp_path / 'file').touch()
    args = [str(config), '--work-dir', str(tmp_path / 'file' / 'work')]
    with pytest.raises(SystemExit, match=r"error: .*: '.*/file/work'"):
        run_tool(lambda: train.main(args))


@pytest.mark.parametrize('tree', ['clustered', 'named'])
def test_wrong_number_of_classes_is_named(images, tmp_path, tree):
    top = dict(num_classes=5)
    message = 'multi-level head is built for 5: set num_classes at the top'
    if tree == 'named':
        top['tree'] = 'fonts'
        message = (
            "head has 5 classes, but level 'face' of the hierarchy has 21"
        )
    config = write_config(tmp_path / 'own.py', images, **top)
    refused(tmp_path, ValueError, message, config)


def test_missing_checkpoint_is_named(config, tmp_path):
    args = ['--work-dir', str(tmp_path), *NO_WORKERS]
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        test.main([str(config), str(tmp_path / 'none.pth'), *args])


def train_options(config, *options):
    args = train.parse_args([str(config), *options])
    return train.merge_args(load_config(config, args.cfg_options), args)


def test_training_options_reach_the_config(config):
    cfg = train_options(config)
    assert cfg.work_dir == os.path.join('work_dirs', 'own')
    assert not cfg.resume
    assert cfg.optim_wrapper.get('type', 'OptimWrapper') == 'OptimWrapper'
    assert cfg.train_dataloader.persistent_workers
    assert cfg.val_cfg is not None
    assert 'enable' not in cfg.auto_scale_lr

    cfg = train_options(
        *(config, '--amp', '--auto-scale-lr', '--no-validate'),
        *('--no-persistent-workers', '--no-pin-memory'),
    )
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.loss_scale == 'dynamic'
    assert cfg.auto_scale_lr == dict(base_batch_size=32, enable=True)
    assert cfg.val_cfg is cfg.val_dataloader is cfg.val_evaluator is None
    assert not cfg.train_dataloader.persistent_workers
    assert not cfg.test_dataloader.pin_memory


@pytest.mark.parametrize(
    ('default_hooks', 'expected'),
    [
        (None, dict(type='mmc2f.AtomicCheckpointHook', interval=1)),
        (
            dict(checkpoint=dict(type='mmengine.CheckpointHook', interval=3)),
            dict(type='mmc2f.AtomicCheckpointHook', interval=3),
        ),
        (dict(checkpoint=dict(type='MyHook')), dict(type='MyHook')),
        (dict(checkpoint=None), None),
    ],
)
def test_checkpoints_are_whole_in_any_config(default_hooks, expected):
    cfg = Config(dict(default_hooks=default_hooks))
    train.add_hooks(cfg)
    assert cfg.default_hooks.checkpoint == expected


def test_data_are_looked_at_unless_told_not_to(config):
    hook = 'mmc2f.DuplicateImagesHook'
    for options, strict in (((), False), (('--strict-data',), True)):
        cfg = train_options(config, *options)
        assert cfg.custom_hooks[-1] == dict(type=hook, strict=strict)
        assert hook_types(cfg).count(hook) == 1
    assert hook not in hook_types(train_options(config, '--no-data-check'))


@pytest.mark.parametrize(
    'hook', ['PlainCheckpointHook', 'FiniteLossHook', 'LiveLineHook']
)
def test_no_training_goes_without_some_hooks(config, hook):
    assert hook_types(train_options(config)).count(f'mmc2f.{hook}') == 1


def test_strict_data_refuses_an_image_in_two_classes(images, tmp_path):
    data = shutil.copytree(images, tmp_path / 'images')
    one, other = (data / 'train' / name for name in CLASSES[:2])
    shutil.copy(one / '0.png', other / 'again.png')
    config = write_config(tmp_path / 'own.py', data)
    message = r'in two classes: .*0\.png .*again\.png'
    options = ['--strict-data', '--work-dir', str(tmp_path), *NO_WORKERS]
    with pytest.raises(ValueError, match=message):
        train.main([str(config), *options])
    assert not list(tmp_path.glob('*.pth'))


def test_resume_with_and_without_a_file(config):
    cfg = train_options(config, '--resume')
    assert (cfg.resume, cfg.load_from) == (True, None)
    cfg = train_options(config, '--resume', 'epoch_1.pth')
    assert (cfg.resume, cfg.load_from) == (True, 'epoch_1.pth')


def test_config_options_come_before_what_follows_from_them(config):
    cfg = train_options(config, *NO_WORKERS, 'work_dir=elsewhere')
    assert cfg.work_dir == 'elsewhere'
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        # Torch refuses to keep workers that there are not.
        assert not loader.persistent_workers


def test_scaling_the_rate_needs_a_base_batch_size(config):
    args = train.parse_args([str(config), '--auto-scale-lr'])
    cfg = load_config(config)
    cfg.pop('auto_scale_lr')
    with pytest.raises(SystemExit, match=r'auto_scale_lr = dict\(base_batch'):
        train.merge_args(cfg, args)


def options_of_test(config, *options):
    args = test.parse_args([str(config), 'weights.pth', *options])
    return test.merge_args(load_config(config, args.cfg_options), args)


def hook_types(cfg):
    return [hook['type'] for hook in cfg.custom_hooks]


def test_test_options_reach_the_config(config):
    cfg = options_of_test(config, '--amp', '--out', 'p.jsonl')
    assert cfg.load_from == 'weights.pth'
    assert cfg.work_dir == os.path.join('work_dirs', 'own')
    assert cfg.test_cfg.fp16
    writer = dict(type='mmc2f.PredictionWriter', path='p.jsonl')
    assert cfg.test_evaluator[-1] == writer
    assert len(cfg.test_evaluator) == 3


def test_reranking_is_added_kept_and_taken_away(config):
    assert test.HOOK in hook_types(options_of_test(config))
    with_hook = options_of_test(config, '--rerank')
    assert hook_types(with_hook).count(test.HOOK) == 1
    assert test.HOOK not in hook_types(options_of_test(config, '--no-rerank'))
    plain = ROOT / 'configs' / 'baseline_cub.py'
    assert test.HOOK not in hook_types(options_of_test(plain))
    assert hook_types(options_of_test(plain, '--rerank'))[-1] == test.HOOK


def test_gallery_without_reranking_is_refused(config):
    with pytest.raises(SystemExit, match='no use without --rerank'):
        options_of_test(config, '--no-rerank', '--gallery', 'g.safetensors')
