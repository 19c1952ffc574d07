"""From a config and a checkpoint to the parameters that a test uses."""

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_ccfr import (
    loader_config,
    own_default_scope,
    tiny_config,
    write_images,
)
from tool_helpers import load_tool

from mmc2f.retrieval import EmbeddedImages, TunedReRank

tune = load_tool('tune_rerank.py')
FEW = ['--modes', 'prototypes', 'paper', '--whiten', 'none', 'pca']


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # Enough that half of them can be tuned on.
        patch.setattr('tiny_ccfr.IMAGES_PER_CLASS', 12)
        return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture
def run(images, tmp_path):
    """Files of a config that holds half of the images out, and weights."""
    cfg = tiny_config(images, tmp_path)
    cfg.holdout = dict(num_folds=2)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.custom_hooks = [
        dict(
            type='mmc2f.ReRankHook',
            post_processor=dict(
                type='mmc2f.ReRankPostProcessor', params='auto'
            ),
        )
    ]
    with own_default_scope():
        model = Runner.from_cfg(cfg).model
    checkpoint = tmp_path / 'epoch_3.pth'
    torch.save({'state_dict': model.state_dict()}, checkpoint)
    file = tmp_path / 'config.py'
    cfg.dump(file)
    return str(file), str(checkpoint)


def main(*args):
    with own_default_scope():
        return tune.main([str(arg) for arg in args])


def test_model_without_coarse_scores_is_refused():
    images = EmbeddedImages(
        embeddings=torch.eye(2),
        labels=torch.arange(2),
        coarse_probs=None,
        image_ids=['a', 'b'],
        class_names=None,
        parts=None,
        fingerprint={},
    )
    with pytest.raises(SystemExit, match='no coarse_score'):
        tune.held_out(images, images, [None])


def test_writes_what_the_test_reads(run, tmp_path, capsys, monkeypatch):
    tuned = main(*run, *FEW)
    assert tuned.num_images == 24
    assert TunedReRank.load(tmp_path / 'epoch_3.rerank.json') == tuned
    assert tuned.cascade.num_images == 24
    picture = (tmp_path / 'epoch_3.rerank.png').read_bytes()
    assert picture.startswith(b'\x89PNG')
    printed = ' '.join(capsys.readouterr().out.split())
    assert 'prototypes' in printed and 'epoch_3.rerank.json' in printed
    assert ('Re-ranking helps' in printed) == tuned.helps
    assert tuned.cascade.summary() in printed
    # Embedded once.
    monkeypatch.setattr(tune, 'embed_images', None)
    assert main(*run, *FEW) == tuned

    # The config beside the checkpoint is as it was, with its hooks.
    cfg = Config.fromfile(run[0])
    cfg.load_from, cfg.experiment_name = run[1], 'test_with_tuned'
    cfg.custom_hooks.append(dict(type='mmc2f.CascadeHook', threshold='auto'))
    with own_default_scope():
        metrics = Runner.from_cfg(cfg).test()
    # The images that were tuned on are other ones.
    assert 0 <= metrics['cascade/went_on'] <= 100
    # The line below the table is broken at its width.
    printed = ' '.join(capsys.readouterr().out.split())
    assert f'mode {tuned.params["mode"]}' in printed


def test_pools_folds(run, tmp_path):
    other = tmp_path / 'other.pth'
    other.write_bytes((tmp_path / 'epoch_3.pth').read_bytes())
    tuned = main(*run, *FEW, '--folds', run[1], other, '--no-cache')
    assert tuned.num_images == 48
    assert not list(tmp_path.glob('*.safetensors'))


def test_takes_validation_images_of_their_own(run, images, tmp_path):
    cfg = Config.fromfile(run[0])
    cfg.holdout = None
    cfg.val_dataloader = loader_config(images, 'test')
    cfg.dump(tmp_path / 'val.py')
    assert main(tmp_path / 'val.py', run[1], *FEW).num_images == 48


def test_images_that_were_seen_are_not_tuned_on(run):
    # The validation images are the test images.
    with pytest.raises(SystemExit, match='no images to tune on'):
        main(*run, '--cfg-options', 'holdout=None')
    with pytest.raises(SystemExit, match='--folds needs the holdout'):
        main(*run, '--cfg-options', 'holdout=None', '--folds', run[1])


def test_galleries_that_are_tried(run, capsys):
    args = tune.parse_args([*run, '--whiten', 'none', 'pca', 'lda:0.6'])
    assert args.whiten == [None, 'pca', 'lda:0.6']
    with pytest.raises(SystemExit):
        tune.parse_args([*run, '--whiten', 'lda:6'])
    assert 'a number from 0 to 1' in capsys.readouterr().err
