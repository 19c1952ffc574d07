"""Re-ranking within MMEngine's test and validation loops."""

import logging
import re
import shutil

import pytest
import torch
from mmengine.runner import Runner
from tiny_ccfr import CLASSES, IMAGES_PER_CLASS, loader_config, tiny_config
from tiny_views import views_config, views_loader
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmc2f.datasets.hold_out import apply_holdout
from mmc2f.retrieval import TunedReRank

NAMES = {
    f'rerank/{name}_{top}'
    for name in ('coarse', 'retrieval', 'rerank')
    for top in ('top1', 'top5')
}
FLIPPED = [
    dict(type='mmc2f.LoadImage'),
    dict(type='RandomFlip', prob=1.0),
    dict(type='PackInputs'),
]


@pytest.fixture
def cfg(images, tmp_path):
    """A test without training; weights follow from the seed."""
    return with_hook(tiny_config(images, tmp_path))


def with_hook(cfg, **hook):
    """The config with a re-rank hook of these arguments."""
    # Random weights are sure of nothing, so everything is re-ranked.
    processor = dict(
        type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0
    )
    processor.update(hook.pop('post_processor', {}))
    cfg.custom_hooks = [
        dict(type='mmc2f.ClassCountHook'),
        dict(type='mmc2f.ReRankHook', post_processor=processor, **hook),
    ]
    # Runners of one name share their log.
    cfg.experiment_name += '_'
    return cfg


@pytest.fixture
def log(caplog):
    """Messages of the runner's logger, which does not propagate."""

    def messages():
        return [record.getMessage() for record in caplog.records]

    attached = []

    def attach(runner):
        attached.append(runner.logger)
        runner.logger.addHandler(caplog.handler)
        runner.logger.setLevel(logging.INFO)
        return messages

    yield attach
    for logger in attached:
        logger.removeHandler(caplog.handler)


def test_gives_and_prints_all_three_accuracies(cfg, capsys):
    runner = Runner.from_cfg(cfg)
    metrics = runner.test()
    assert set(metrics) >= NAMES
    assert metrics['accuracy/top1'] == metrics['rerank/rerank_top1']
    printed = capsys.readouterr().out
    for row in ('coarse', 'retrieval', 're-ranked', 'mended'):
        assert row in printed
    assert f'{metrics["rerank/retrieval_top1"]:.2f}' in printed
    assert re.search(r'gallery \d+\.\d s', printed)


def test_model_answers_by_itself_afterwards(cfg):
    runner = Runner.from_cfg(cfg)
    runner.test()
    assert runner.model.reranker is None
    batch = next(iter(runner.test_dataloader))
    sample = runner.model.test_step(batch)[0]
    assert 'retrieval_score' not in sample
    assert sample.pred_score.equal(sample.coarse_score)


def test_saved_gallery_gives_the_same_metrics(cfg, tmp_path, log):
    file = str(tmp_path / 'galleries' / 'gallery.safetensors')
    runner = Runner.from_cfg(with_hook(cfg, save_gallery=file))
    messages = log(runner)
    built = runner.test()
    assert f'Gallery saved to {file}' in messages()
    loaded = Runner.from_cfg(with_hook(cfg, gallery_file=file)).test()
    assert loaded == built
    # Options of the gallery hold for a loaded one too.
    gallery = dict(type='mmc2f.Gallery', chunk_size=3)
    cfg = with_hook(cfg, gallery_file=file, gallery=gallery)
    assert Runner.from_cfg(cfg).test() == built


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'randomness.seed': 1}, 'weights'),
        ({'model.data_preprocessor.to_rgb': False}, 'pipeline'),
        ({'test_dataloader.dataset.pipeline': FLIPPED}, 'pipeline'),
    ],
)
def test_gallery_of_another_model_is_refused(cfg, tmp_path, changes, reason):
    file = str(tmp_path / 'gallery.safetensors')
    Runner.from_cfg(with_hook(cfg, save_gallery=file)).test()
    cfg.merge_from_dict(changes)
    runner = Runner.from_cfg(with_hook(cfg, gallery_file=file))
    with pytest.raises(ValueError, match=rf'does not fit .*{reason}'):
        runner.test()


def test_preprocessor_beside_the_model_belongs_to_the_fingerprint(
    cfg, tmp_path
):
    cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    file = str(tmp_path / 'gallery.safetensors')
    Runner.from_cfg(with_hook(cfg, save_gallery=file)).test()
    cfg.data_preprocessor.to_rgb = False
    runner = Runner.from_cfg(with_hook(cfg, gallery_file=file))
    with pytest.raises(ValueError, match=r'does not fit .*pipeline'):
        runner.test()


def test_gallery_of_images_that_moved_is_refused(images, tmp_path):
    data = shutil.copytree(images, tmp_path / 'images')
    cfg = tiny_config(data, tmp_path)
    file = str(tmp_path / 'gallery.safetensors')
    Runner.from_cfg(with_hook(cfg, save_gallery=file)).test()
    picture = data / 'train' / CLASSES[0] / '0.png'
    picture.rename(data / 'train' / CLASSES[1] / 'moved.png')
    runner = Runner.from_cfg(with_hook(cfg, gallery_file=file))
    with pytest.raises(ValueError, match=r'does not fit .*images \(gallery'):
        runner.test()


def test_missing_gallery_file_is_named(cfg, tmp_path):
    file = str(tmp_path / 'none.safetensors')
    runner = Runner.from_cfg(with_hook(cfg, gallery_file=file))
    with pytest.raises(FileNotFoundError, match=r'none.safetensors'):
        runner.test()


def test_threshold_is_measured_on_validation_images(cfg, log):
    cfg = with_hook(cfg, post_processor=dict(t_sf='auto'))
    runner = Runner.from_cfg(cfg)
    messages = log(runner)
    runner.test()
    runner.model.eval()
    loader = Runner.build_dataloader(cfg.val_dataloader)
    best = [
        sample.coarse_score.max().item()
        for batch in loader
        for sample in runner.model.test_step(batch)
    ]
    mean = sum(best) / len(best)
    expected = f'T_sf = {mean:.4f}, the mean top-1 softmax of {len(best)}'
    assert any(expected in message for message in messages())


def test_threshold_is_not_measured_on_test_images(cfg, images):
    cfg.val_dataloader = loader_config(f'{images}/../{images.name}', 'test')
    cfg = with_hook(cfg, post_processor=dict(t_sf='auto'))
    count = IMAGES_PER_CLASS * len(CLASSES)
    with pytest.raises(ValueError, match=rf'but {count} of them are test'):
        Runner.from_cfg(cfg).test()


def test_calibration_images_go_before_validation_images(cfg, images):
    cfg.val_dataloader = loader_config(images, 'test')
    cfg = with_hook(
        cfg,
        post_processor=dict(t_sf='auto'),
        calibration_dataloader=loader_config(images, 'val'),
    )
    assert set(Runner.from_cfg(cfg).test()) >= NAMES


def test_threshold_needs_images(cfg):
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg = with_hook(cfg, post_processor=dict(t_sf='auto'))
    with pytest.raises(ValueError, match="'auto' needs validation images"):
        Runner.from_cfg(cfg).test()


def test_threshold_is_measured_anew_for_other_weights(cfg, images, log):
    cfg.val_evaluator = [dict(type='mmc2f.ReRankMetric')]
    cfg = with_hook(
        cfg,
        post_processor=dict(t_sf='auto'),
        calibration_dataloader=loader_config(images, 'test'),
        on_val=True,
    )
    runner = Runner.from_cfg(cfg)
    messages = log(runner)
    assert set(runner.val()) >= NAMES
    for parameter in runner.model.head.parameters():
        parameter.data.mul_(100)
    runner.val()
    found = [m for m in messages() if m.startswith('T_sf')]
    assert len(set(found)) == 2


def test_validation_is_left_alone_by_default(cfg):
    cfg.val_evaluator = [dict(type='mmc2f.ReRankMetric')]
    metrics = Runner.from_cfg(cfg).val()
    assert 'rerank/coarse_top1' in metrics
    assert 'rerank/rerank_top1' not in metrics


def test_weights_that_are_shared_out_are_refused(cfg):
    class SharedOut(FullyShardedDataParallel):
        def __init__(self):
            nn.Module.__init__(self)

        def attach_reranker(self, reranker):
            raise AssertionError

    runner = Runner.from_cfg(cfg)
    runner.model = SharedOut()
    with pytest.raises(ValueError, match='leave out on_val'):
        runner.call_hook('before_test_epoch')


def test_model_without_embedding_is_refused(cfg):
    cfg.model = dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18, base_channels=4),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=4, in_channels=32),
    )
    message = r'needs a model that embeds images.*ImageClassifier does not'
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).test()


def test_empty_training_set_is_refused(cfg, images, tmp_path):
    annotations = tmp_path / 'list.txt'
    annotations.write_text('')
    cfg.train_dataloader.dataset = dict(
        type='CustomDataset',
        data_root=f'{images}/train',
        ann_file=str(annotations),
        metainfo=dict(classes=CLASSES),
        serialize_data=False,
    )
    with pytest.raises(ValueError, match=r'gallery would be empty: its data'):
        Runner.from_cfg(cfg).test()


def test_training_set_without_class_names_is_refused(cfg, images, tmp_path):
    annotations = tmp_path / 'list.txt'
    annotations.write_text('amber/0.png 0\nblue/0.png 1\n')
    cfg.train_dataloader.dataset = dict(
        type='CustomDataset',
        data_root=f'{images}/train',
        ann_file=str(annotations),
        pipeline=[],
    )
    with pytest.raises(ValueError, match=r'CustomDataset names no classes'):
        Runner.from_cfg(cfg).test()


def test_class_without_training_image_is_warned_of(cfg, images, tmp_path, log):
    some = tmp_path / 'some'
    shutil.copytree(images, some)
    for file in (some / 'train' / 'cyan').iterdir():
        file.unlink()
    cfg.train_dataloader.dataset.data_root = str(some)
    runner = Runner.from_cfg(cfg)
    messages = log(runner)
    assert set(runner.test()) >= NAMES
    assert any(
        '1 of 4 classes have no gallery image' in m and 'cyan' in m
        for m in messages()
    )


def test_more_candidates_than_classes_are_warned_of(cfg, log):
    cfg = with_hook(cfg, post_processor=dict(topn=9))
    runner = Runner.from_cfg(cfg)
    messages = log(runner)
    assert set(runner.test()) >= NAMES
    assert (
        sum('topn=9 is more than the 4 classes' in m for m in messages()) == 1
    )


@pytest.fixture
def cfg_of_views(images, tmp_path):
    """A tiny MLPH that re-ranks, on images in three resolutions."""
    cfg = views_config(images, tmp_path)
    cfg.model.type = 'mmc2f.EmbeddingClassifier'
    return with_hook(cfg)


def test_threshold_is_measured_in_the_view_that_is_reranked(
    cfg_of_views, images, log
):
    loader = views_loader(images, 'val', in_turn=False)
    cfg = with_hook(
        cfg_of_views,
        post_processor=dict(t_sf='auto'),
        calibration_dataloader=loader,
    )
    runner = Runner.from_cfg(cfg)
    messages = log(runner)
    runner.test()
    runner.model.eval()
    best = [
        sample.coarse_score.max().item()
        for batch in Runner.build_dataloader(loader)
        for sample in runner.model.test_step(batch)
        if sample.view == 'high'
    ]
    mean = sum(best) / len(best)
    expected = f'T_sf = {mean:.4f}, the mean top-1 softmax of {len(best)}'
    assert any(expected in message for message in messages())


def test_gallery_of_another_resolution_is_refused(cfg_of_views, tmp_path):
    path = str(tmp_path / 'gallery.safetensors')
    runner = Runner.from_cfg(with_hook(cfg_of_views, save_gallery=path))
    runner.test()
    cfg = with_hook(cfg_of_views, gallery_file=path)
    cfg.load_from = None
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.views[0].resolution = 8
    with pytest.raises(ValueError, match='pipeline'):
        Runner.from_cfg(cfg).test()


def tuned_file(path, **changes):
    """What tools/tune_rerank.py writes."""
    params = dict(mode='prototypes', topn=3, temperature=2.0, kappa=8.0)
    values = dict(
        params=params,
        whiten='pca',
        gain=2.0,
        low=1.0,
        high=3.0,
        coarse_accuracy=50.0,
        num_images=100,
        temperature=2.0,
        candidate=params,
        candidate_whiten='pca',
        tried=[],
    )
    tuned = TunedReRank(**{**values, **changes})
    tuned.save(path)
    return tuned


def auto(cfg, checkpoint=None, **processor):
    """The config with tuned parameters, of which it may give some itself."""
    cfg = with_hook(cfg)
    hook = cfg.custom_hooks[-1]
    hook.post_processor = dict(
        type='mmc2f.ReRankPostProcessor',
        **{'params': 'auto', **processor},
    )
    cfg.load_from = checkpoint
    return cfg


def words(capsys):
    """What was printed; lines below a table are broken at its width."""
    return ' '.join(capsys.readouterr().out.split())


@pytest.fixture
def checkpoint(cfg, tmp_path):
    path = tmp_path / 'epoch_3.pth'
    model = Runner.from_cfg(with_hook(cfg)).model
    torch.save({'state_dict': model.state_dict()}, path)
    return str(path)


def test_without_tuned_parameters_the_coarse_answer_stays(
    cfg, checkpoint, log, capsys
):
    for path in (None, checkpoint):
        runner = Runner.from_cfg(auto(cfg, path))
        messages = log(runner)
        metrics = runner.test()
        assert metrics['rerank/mended'] == metrics['rerank/broken'] == 0
        assert any('finds no tuned' in message for message in messages())
    assert 'mode none' in words(capsys)


def test_tuned_parameters_are_those_beside_the_checkpoint(
    cfg, checkpoint, tmp_path, log, capsys
):
    tuned = tuned_file(tmp_path / 'epoch_3.rerank.json')
    runner = Runner.from_cfg(auto(cfg, checkpoint))
    messages = log(runner)
    metrics = runner.test()
    assert any('Re-ranking helps' in message for message in messages())
    assert 'mode prototypes, whitened (pca)' in words(capsys)
    # The same, said by the config.
    explicit = auto(cfg, checkpoint, **tuned.params)
    hook = explicit.custom_hooks[-1]
    hook.post_processor.pop('params')
    hook.gallery = dict(type='mmc2f.Gallery', whiten='pca')
    assert Runner.from_cfg(explicit).test() == metrics


def test_values_of_the_config_go_before_tuned_ones(
    cfg, checkpoint, tmp_path, capsys
):
    tuned_file(tmp_path / 'epoch_3.rerank.json')
    cfg = auto(cfg, checkpoint, mode='kernel', tau=0.1)
    cfg.custom_hooks[-1].gallery = dict(type='mmc2f.Gallery', whiten=None)
    runner = Runner.from_cfg(cfg)
    runner.test()
    hook = next(h for h in runner.hooks if hasattr(h, 'post_processor'))
    assert hook.post_processor.params == dict(
        mode='kernel',
        topn=3,
        topm=50,
        temperature=2.0,
        tau=0.1,
        weight=0.5,
    )
    printed = words(capsys)
    assert 'mode kernel' in printed and 'whitened' not in printed


def test_tuned_parameters_replace_those_of_the_config_where_there_are_some(
    cfg, checkpoint, tmp_path, log, capsys
):
    own = dict(mode='kernel', topn=2, tau=0.1)
    cfg = auto(cfg, checkpoint, params='if_tuned', **own)
    cfg.custom_hooks[-1].gallery = dict(type='mmc2f.Gallery', whiten='lda')
    runner = Runner.from_cfg(cfg)
    messages = log(runner)
    runner.test()
    assert 'mode kernel, whitened (lda)' in words(capsys)
    assert not any('finds no tuned' in message for message in messages())
    tuned_file(tmp_path / 'epoch_3.rerank.json')
    runner = Runner.from_cfg(cfg)
    runner.test()
    assert 'mode prototypes, whitened (pca)' in words(capsys)
    hook = next(h for h in runner.hooks if hasattr(h, 'post_processor'))
    assert hook.post_processor.params['topn'] == 3
    # Where nothing helps, nothing is re-ranked.
    tuned_file(
        tmp_path / 'epoch_3.rerank.json', params={'mode': 'none'}, whiten=None
    )
    Runner.from_cfg(cfg).test()
    printed = words(capsys)
    assert 'mode none' in printed and 'whitened' not in printed


def test_tuned_parameters_of_other_weights(cfg, checkpoint, tmp_path):
    path = tmp_path / 'epoch_3.rerank.json'
    tuned_file(path, weights='a' * 64)
    with pytest.raises(ValueError, match='made for other weights'):
        Runner.from_cfg(auto(cfg, checkpoint)).test()
    # A file that is named may have been tuned on models of folds.
    named = Runner.from_cfg(auto(cfg, checkpoint, params=str(path)))
    assert set(named.test()) >= NAMES


def test_gallery_of_all_images_or_of_those_trained_on(cfg, log):
    for part, count in ((None, 8), ('fit', 8), ('all', 16)):
        cfg = with_hook(cfg, gallery_part=part)
        cfg.holdout = dict(num_folds=2)
        apply_holdout(cfg)
        runner = Runner.from_cfg(cfg)
        found = []
        hook = next(h for h in runner.hooks if hasattr(h, 'gallery_cfg'))
        hook.before_test_epoch(runner)
        found.append(len(runner.model.reranker.gallery))
        assert found == [count]
