"""Pictures of a validation, read back from where the back ends put them."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image
from tiny_ccfr import own_default_scope, tiny_config

from mmc2f import registry
from mmc2f.engine.hooks import PictureHook, picture_hook

ALL = (
    *('boxes', 'clusters', 'confusion', 'map', 'rerank', 'resolutions'),
    'sweep',
)


@pytest.fixture(autouse=True)
def _own_scope():
    with own_default_scope():
        yield


def trained(images, work_dir, backends, *hooks, **hook):
    """A training of two epochs in one stage, with validation."""
    stages = [dict(name='pretraining', losses=('multi_level',))]
    cfg = tiny_config(images, work_dir, epochs=(2,), stages=stages)
    cfg.visualizer = dict(
        type='UniversalVisualizer',
        vis_backends=[dict(type=name) for name in backends],
    )
    cfg.train_cfg.val_interval = 1
    # A step leaves the weights as they were made, near enough.
    cfg.optim_wrapper.optimizer.lr = 1e-5
    cfg.custom_hooks += [*hooks, dict(type='mmc2f.PictureHook', **hook)]
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_pictures_are_read_back_from_tensorboard(images, tmp_path):
    pytest.importorskip(
        'tensorboard', reason='tensorboard is no requirement of the package'
    )
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )

    rerank = dict(
        type='mmc2f.ReRankHook',
        post_processor=dict(
            type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0
        ),
        on_val=True,
    )
    runner = trained(
        *(images, tmp_path, ['LocalVisBackend', 'TensorboardVisBackend']),
        rerank,
        kinds=ALL,
        num_images=4,
        resolutions=(32, 16),
    )
    runner.visualizer.close()
    (file,) = tmp_path.glob('*/vis_data/events.out.tfevents.*')
    events = EventAccumulator(str(file), size_guidance=dict(images=0))
    events.Reload()
    assert sorted(events.Tags()['images']) == sorted(ALL)
    for kind in ALL:
        shown = events.Images(kind)
        assert [image.step for image in shown] == [1, 2]
        (local,) = tmp_path.glob(f'*/vis_data/vis_image/{kind}_2.png')
        with (
            Image.open(io.BytesIO(shown[-1].encoded_image_string)) as there,
            Image.open(local) as here,
        ):
            assert min(there.size) > 100
            assert np.array_equal(
                np.asarray(there.convert('RGB')),
                np.asarray(here.convert('RGB')),
            )
    # Four images of the sixteen are in one row of 280 pixels each.
    assert events.Images('boxes')[0].width > 4 * 280


def test_interval_counts_validations(images, tmp_path):
    trained(
        *(images, tmp_path, ['LocalVisBackend']),
        kinds=('confusion',),
        interval=2,
    )
    found = tmp_path.glob('*/vis_data/vis_image/*')
    assert [path.name for path in found] == ['confusion_2.png']


def test_what_cannot_be_drawn_is_told_once(images, tmp_path):
    trained(
        *(images, tmp_path, ['LocalVisBackend']),
        kinds=('rerank', 'map', 'sweep'),
    )
    (log,) = tmp_path.glob('*/*.log')
    told = [
        line.partition('PictureHook ')[2]
        for line in log.read_text().splitlines()
        if 'PictureHook draws' in line
    ]
    reason = 'nothing was re-ranked: ReRankHook needs on_val=True'
    assert told == [
        f'draws no {kind}: {reason}' for kind in ('rerank', 'sweep')
    ]
    found = sorted(path.name for path in tmp_path.glob('*/vis_data/*/*'))
    assert found == ['map_1.png', 'map_2.png']


def test_resolutions_leave_the_training_as_it_is(images, tmp_path):
    weights = []
    for kinds in ('resolutions',), ():
        runner = trained(
            *(images, tmp_path / str(len(kinds)), ['LocalVisBackend']),
            kinds=kinds,
            resolutions=(32, 8),
        )
        weights.append(list(runner.model.state_dict().values()))
    found = (tmp_path / '1').glob('*/vis_data/vis_image/*')
    names = sorted(path.name for path in found)
    assert names == ['resolutions_1.png', 'resolutions_2.png']
    assert all(a.equal(b) for a, b in zip(*weights, strict=True))


def test_no_resolutions_by_several_processes(monkeypatch):
    monkeypatch.setattr(picture_hook, 'get_world_size', lambda: 2)
    with pytest.raises(ValueError, match='a share of the images'):
        picture_hook.measure_resolutions(None, None)


def test_no_resolutions_without_a_tree():
    cfg = Config(dict(model=dict(type='ImageClassifier')))
    runner = SimpleNamespace(model=torch.nn.Identity(), cfg=cfg)
    with pytest.raises(ValueError, match='no tree'):
        picture_hook.measure_resolutions(runner, None)


def test_a_test_is_drawn_too(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    cfg.custom_hooks = [dict(type='mmc2f.PictureHook', kinds='boxes')]
    Runner.from_cfg(cfg).test()
    (path,) = tmp_path.glob('*/vis_data/vis_image/*')
    assert path.name == 'boxes_0.png'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(kinds=('boxes', 'sheep')), 'sheep'),
        (dict(interval=0), 'interval'),
        (dict(num_images=0.5), 'num_images'),
        (dict(method='umap'), 'umap'),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PictureHook(**options)
    assert registry.HOOKS.get('mmc2f.PictureHook') is PictureHook
