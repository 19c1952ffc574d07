"""Stages that bring their own epochs and schedules."""

import logging
import math
from itertools import accumulate

import pytest
from mmengine.runner import Runner
from test_training_stage_hook import Recorder, equal
from tiny_ccfr import (
    ITERATIONS,
    LEARNING_RATE,
    STAGES,
    own_default_scope,
    tiny_config,
)

from mmc2f.engine import build_stages

EPOCHS = (2, 1, 2)
COSINE = dict(type='CosineAnnealingLR')
EXAMPLE = dict(first=dict(epochs=3), second=dict(epochs=1, min_iters=50))


def staged_config(images, work_dir, stages=None, **loop):
    """The tiny CCFR, whose stages stand in ``train_cfg`` alone."""
    cfg = tiny_config(images, work_dir)
    if stages is None:
        stages = {
            stage['name']: dict(stage, epochs=epochs, schedule=COSINE)
            for stage, epochs in zip(STAGES, EPOCHS, strict=True)
        }
    cfg.custom_hooks = cfg.custom_hooks[:2]
    cfg.param_scheduler = None
    cfg.train_cfg = dict(type='mmc2f.StagedTrainLoop', stages=stages, **loop)
    return cfg


def train(cfg, stop_after=None):
    recorder = Recorder(stop_after)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.train()
    return recorder


def without_checks(cfg):
    cfg.default_hooks.checkpoint = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    return cfg


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('staged')


@pytest.fixture(scope='module')
def staged(images, work_dir):
    with own_default_scope():
        return train(staged_config(images, work_dir))


def test_trains_as_hook_and_schedulers_written_out_do(
    images, staged, tmp_path
):
    written_out = train(tiny_config(images, tmp_path, EPOCHS))
    assert staged.iterations == written_out.iterations
    last = sum(EPOCHS) - 1
    assert equal(staged.after[last], written_out.after[last])


@pytest.mark.parametrize('epoch', [1, 2, 4])
def test_is_resumed_within_a_stage_and_between_two(
    images, staged, work_dir, tmp_path, epoch
):
    cfg = staged_config(images, tmp_path)
    cfg.resume, cfg.load_from = True, str(work_dir / f'epoch_{epoch}.pth')
    resumed = train(cfg)
    assert resumed.iterations == staged.iterations[epoch * ITERATIONS :]
    last = sum(EPOCHS) - 1
    assert equal(resumed.after[last], staged.after[last])


def test_stage_epochs_replace_those_of_the_stages(images, tmp_path):
    cfg = staged_config(images, tmp_path, stage_epochs=[1, 2, 1])
    recorder = train(without_checks(cfg))
    losses = [record['losses'] for record in recorder.iterations]
    expected = [
        set(STAGES[i]['losses'])
        for i in (0, 1, 1, 2)
        for _ in range(ITERATIONS)
    ]
    assert losses == expected


def test_images_that_fill_no_batch_are_refused(images, tmp_path):
    cfg = staged_config(images, tmp_path)
    loader = cfg.train_dataloader
    loader.batch_size, loader.drop_last = 64, True
    loader.sampler = dict(type='DefaultSampler', shuffle=True)
    message = r'16 training images .* fill no batch of 64'
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_a_warm_up_rises_within_each_stage(images, tmp_path):
    stages = dict(
        one=dict(epochs=3, losses=['multi_level'], warmup_iters=2),
        # At most half of the stage.
        two=dict(
            epochs=2,
            losses=['softmax'],
            lr_scale=0.5,
            warmup_iters=1000,
            warmup_factor=0.25,
            schedule=COSINE,
        ),
    )
    recorder = train(without_checks(staged_config(images, tmp_path, stages)))
    rates = [record['lr'][0] for record in recorder.iterations]
    cosine = [(1 + math.cos(math.pi * t / 4)) / 2 for t in range(4)]
    rise = [0.25, 1, 1, 1]
    expected = [0.1, 1, 1, 1, 1, 1]
    expected += [c * r / 2 for c, r in zip(cosine, rise, strict=True)]
    assert ITERATIONS == 2
    assert rates == pytest.approx([LEARNING_RATE * x for x in expected])


def test_small_data_is_trained_on_for_more_epochs(images, tmp_path, caplog):
    stages = dict(
        one=dict(epochs=1, losses=['multi_level'], min_iters=5),
        two=dict(epochs=2, losses=['softmax'], min_iters=4),
    )
    cfg = staged_config(images, tmp_path, stages)
    cfg.log_level = 'INFO'
    runner = Runner.from_cfg(cfg)
    runner.logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        loop = runner.train_loop
    runner.logger.removeHandler(caplog.handler)
    assert loop.max_epochs == 3 + 2
    assert loop.max_iters == (3 + 2) * ITERATIONS
    assert 'has 2 iterations; epochs are raised to reach min_iters: ' in (
        caplog.text
    )
    assert 'one 1 -> 3' in caplog.text
    assert 'two' not in caplog.text


def test_explicit_epochs_go_before_a_budget():
    stages = build_stages(EXAMPLE, (2, 2))
    assert [stage.lasting(1).epochs for stage in stages] == [2, 2]
    stages = build_stages(EXAMPLE)
    assert [stage.lasting(20).epochs for stage in stages] == [3, 3]
    assert [stage.lasting(80).epochs for stage in stages] == [3, 1]


def test_one_number_will_do_for_one_stage():
    assert build_stages([dict(name='a', epochs=1)], 4)[0].epochs == 4


@pytest.mark.parametrize('epochs', [(), (1,), (1, 1, 1), 3, '12', True])
def test_another_number_of_epochs_than_stages_is_refused(epochs):
    with pytest.raises(ValueError, match=r'for 2 stages \(first, second\)'):
        build_stages(EXAMPLE, epochs)


def test_no_stage_no_epoch_and_unknown_settings_are_refused():
    with pytest.raises(ValueError, match='at least one stage'):
        build_stages({})
    with pytest.raises(ValueError, match=r"\('second', 0\)"):
        build_stages(EXAMPLE, (1, 0))
    for epochs in (1.5, '2', True, -1, None):
        with pytest.raises(ValueError, match='one or more whole epochs'):
            build_stages(EXAMPLE, (1, epochs))
        with pytest.raises(ValueError, match='one or more whole epochs'):
            build_stages(dict(one=dict(epochs=epochs)))
    with pytest.raises(ValueError, match=r"\"one\" has \['freeze'\]; a stage"):
        build_stages(dict(one=dict(epochs=1, freeze=['backbone'])))


def test_each_stage_has_schedulers_of_its_own():
    step = dict(type='StepLR', step_size=30)
    stages = build_stages(
        dict(
            one=dict(epochs=60, schedule=step),
            two=dict(epochs=10, schedule=COSINE, warmup_iters=7),
            three=dict(epochs=1),
        )
    )
    begins = accumulate((stage.epochs for stage in stages), initial=0)
    schedulers = [
        stage.schedulers(begin, 5)
        for stage, begin in zip(stages, begins, strict=False)
    ]
    assert schedulers == [
        [dict(step, begin=0, end=60)],
        [
            dict(
                COSINE,
                T_max=10,
                by_epoch=True,
                convert_to_iter_based=True,
                begin=60,
                end=70,
            ),
            dict(
                type='LinearLR',
                start_factor=0.1,
                by_epoch=False,
                begin=300,
                end=307,
            ),
        ],
        [],
    ]


def test_stages_and_schedulers_stand_in_one_place(images, tmp_path):
    cfg = staged_config(images, tmp_path)
    cfg.param_scheduler = [dict(type='StepLR', step_size=1)]
    with pytest.raises(ValueError, match='has a param_scheduler, but'):
        Runner.from_cfg(cfg).train()
    cfg = staged_config(images, tmp_path)
    cfg.custom_hooks = tiny_config(images, tmp_path).custom_hooks
    with pytest.raises(ValueError, match='has a TrainingStageHook'):
        Runner.from_cfg(cfg).train()


def test_scaled_rates_are_what_the_stages_start_from(images, tmp_path):
    cfg = without_checks(staged_config(images, tmp_path))
    cfg.auto_scale_lr = dict(base_batch_size=4, enable=True)
    # Of the heads; MMEngine also lists base settings, which it does not scale.
    rates = [record['lr'][1] for record in train(cfg).iterations]
    assert rates[0] == pytest.approx(2 * 10 * LEARNING_RATE)
    assert rates[3 * ITERATIONS] == pytest.approx(10 * LEARNING_RATE)
