"""Three stages of a tiny CCFR under MMEngine's runner."""

import itertools
import math
import shutil

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tiny_ccfr import (
    ITERATIONS,
    LEARNING_RATE,
    STAGES,
    own_default_scope,
    tiny_config,
)

from mmc2f.engine.hooks import TrainingStageHook

EPOCHS = (2, 2, 2)
STAGE_OF_EPOCH = [i for i, n in enumerate(EPOCHS) for _ in range(n)]
NORMS = torch.nn.modules.batchnorm._NormBase


class Recorder(Hook):
    """Notes down each iteration, and the weights at both ends of epochs."""

    priority = 'LOWEST'

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.iterations = []
        self.before, self.after = {}, {}
        self.logged = {}

    def before_train_epoch(self, runner):
        self.before[runner.epoch] = weights(runner)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        model = runner.model
        norms = [m for m in model.backbone.modules() if isinstance(m, NORMS)]
        self.iterations.append(
            dict(
                epoch=runner.epoch,
                losses=set(getattr(model, 'active_losses', ())),
                lr=learning_rates(runner),
                training={n: m.training for n, m in model.named_children()},
                norms={m.training for m in norms},
                trained={
                    name.partition('.')[0]
                    for name, p in model.named_parameters()
                    if p.requires_grad
                },
            )
        )

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        self.iterations[-1]['outputs'] = set(outputs)

    def after_train_epoch(self, runner):
        self.after[runner.epoch] = weights(runner)
        scalars = runner.message_hub.log_scalars
        self.logged[runner.epoch] = {
            name for name in scalars if name.startswith('train/loss_')
        }
        if runner.epoch == self.stop_after:
            runner.train_loop.stop_training = True


def weights(runner):
    return {k: v.clone() for k, v in runner.model.state_dict().items()}


def learning_rates(runner):
    """Lowest and highest: those of the backbone and of the heads."""
    rates = [group['lr'] for group in runner.optim_wrapper.param_groups]
    return min(rates), max(rates)


def train(cfg, stop_after=None):
    recorder = Recorder(stop_after)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.train()
    return recorder


def changed(recorder, epoch):
    """Parts of the model whose parameters or statistics an epoch changed."""
    before, after = recorder.before[epoch], recorder.after[epoch]
    return {
        name.partition('.')[0]
        for name in before
        if not before[name].equal(after[name])
    }


def equal(one, two):
    return one.keys() == two.keys() and all(one[k].equal(two[k]) for k in one)


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('whole')


@pytest.fixture(scope='module')
def whole(images, work_dir):
    """What was noted in a run without interruption."""
    with own_default_scope():
        return train(tiny_config(images, work_dir, EPOCHS))


def test_each_epoch_has_the_losses_of_its_stage(whole):
    assert len(whole.iterations) == sum(EPOCHS) * ITERATIONS
    for record in whole.iterations:
        stage = STAGES[STAGE_OF_EPOCH[record['epoch']]]
        assert record['losses'] == set(stage['losses'])
        assert {f'loss_{name}' for name in stage['losses']} == {
            name for name in record['outputs'] if name.startswith('loss_')
        }


def test_losses_of_an_earlier_stage_leave_the_log(whole):
    for epoch, logged in whole.logged.items():
        stage = STAGES[STAGE_OF_EPOCH[epoch]]
        assert logged == {f'train/loss_{name}' for name in stage['losses']}


def test_only_what_a_stage_trains_changes(whole):
    expected = [
        {'backbone', 'global_head'},
        {'navigator', 'region_head'},
        {'backbone', 'fusion', 'head'},
    ]
    for epoch, stage in enumerate(STAGE_OF_EPOCH):
        assert changed(whole, epoch) == expected[stage]


def test_frozen_parts_rest(whole):
    for record in whole.iterations:
        frozen = STAGES[STAGE_OF_EPOCH[record['epoch']]].get('frozen', ())
        for name, training in record['training'].items():
            assert training == (name not in frozen)
        assert not record['trained'] & set(frozen)
        assert {'navigator', 'head', 'fusion'} <= record['trained']


def test_norm_eval_trains_on_running_statistics(whole):
    modes = [{True}, {False}, {False}]
    for record in whole.iterations:
        assert record['norms'] == modes[STAGE_OF_EPOCH[record['epoch']]]
    joint = EPOCHS[0] + EPOCHS[1]
    before, after = whole.before[joint], whole.after[joint]
    moved = {
        name.endswith(('running_mean', 'running_var', 'num_batches_tracked'))
        for name in before
        if name.startswith('backbone') and not before[name].equal(after[name])
    }
    assert moved == {False}  # weights alone, and some of them


def expected_rates(factor):
    """``factor(epoch, iteration, length)`` within a stage, over the run."""
    return [
        factor(step // ITERATIONS, step, length * ITERATIONS)
        for length in EPOCHS
        for step in range(length * ITERATIONS)
    ]


def assert_rates(recorder, factors):
    for record, factor in zip(recorder.iterations, factors, strict=True):
        stage = STAGES[STAGE_OF_EPOCH[record['epoch']]]
        factor *= stage.get('lr_scale', 1)
        low, high = record['lr']
        assert low == pytest.approx(LEARNING_RATE * factor)
        assert high == pytest.approx(10 * LEARNING_RATE * factor)


def test_classifiers_start_from_the_global_one_once(whole):
    start, later = whole.before[2], whole.before[3]
    assert start['region_head.fc.weight'].equal(start['global_head.fc.weight'])
    assert not later['region_head.fc.weight'].equal(
        later['global_head.fc.weight']
    )
    start, later = whole.before[4], whole.before[5]
    head, known = start['head.fc.weight'], start['global_head.fc.weight']
    assert head[:, : known.shape[1]].equal(known)
    assert not head[:, known.shape[1] :].any()
    assert start['head.fc.bias'].equal(start['global_head.fc.bias'])
    assert later['head.fc.weight'][:, known.shape[1] :].any()


def test_the_first_stage_scales_what_a_warm_up_has_set(images, tmp_path):
    cfg = tiny_config(images, tmp_path, (2,), STAGES[:1])
    cfg.custom_hooks[-1].stages[0].lr_scale = 0.5
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.param_scheduler = dict(type='LinearLR', start_factor=0.25, end=2)
    rates = [record['lr'][0] for record in train(cfg).iterations]
    expected = [0.25] * ITERATIONS + [1.0] * ITERATIONS
    assert rates == pytest.approx([LEARNING_RATE / 2 * x for x in expected])


def test_cosine_of_iterations_starts_anew_in_each_stage(whole):
    assert_rates(
        whole,
        expected_rates(
            lambda epoch, step, length: (
                (1 + math.cos(math.pi * step / length)) / 2
            )
        ),
    )


@pytest.mark.parametrize(
    ('scheduler', 'factor'),
    [
        (dict(type='StepLR', step_size=1), lambda epoch, *_: 0.1**epoch),
        (
            dict(type='MultiStepLR', milestones=[1], gamma=0.5),
            lambda epoch, *_: 0.5 ** (epoch >= 1),
        ),
        (
            dict(type='LinearLR', start_factor=0.25),
            lambda epoch, *_: 0.25 + 0.75 * epoch,
        ),
    ],
)
def test_schedules_of_epochs_start_anew(images, tmp_path, scheduler, factor):
    cfg = tiny_config(images, tmp_path, EPOCHS)
    cfg.default_hooks.checkpoint = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    ends = itertools.accumulate(EPOCHS)
    cfg.param_scheduler = [
        dict(scheduler, begin=end - length, end=end)
        for length, end in zip(EPOCHS, ends, strict=True)
    ]
    assert_rates(train(cfg), expected_rates(factor))


def test_a_run_without_schedule_keeps_the_rate_of_its_stage(images, tmp_path):
    cfg = tiny_config(images, tmp_path, (1, 1, 1))
    cfg.custom_hooks[-1].stages[0].lr_scale = 0.2
    cfg.default_hooks.checkpoint = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.param_scheduler = None
    rates = [record['lr'][0] for record in train(cfg).iterations]
    scales = [0.2] * ITERATIONS + [1.0] * ITERATIONS + [0.5] * ITERATIONS
    assert rates == pytest.approx([LEARNING_RATE * x for x in scales])


@pytest.mark.parametrize('epoch', [1, 3, 4, 5])
def test_a_resumed_run_goes_on_as_if_nothing_had_been(
    images, whole, work_dir, tmp_path, epoch
):
    # Stopped within each stage, and (4) between two.
    shutil.copy(work_dir / f'epoch_{epoch}.pth', tmp_path / 'stopped.pth')
    cfg = tiny_config(images, tmp_path, EPOCHS)
    cfg.resume, cfg.load_from = True, str(tmp_path / 'stopped.pth')
    resumed = train(cfg)
    assert resumed.iterations == whole.iterations[epoch * ITERATIONS :]
    assert resumed.logged == {e: whole.logged[e] for e in resumed.logged}
    last = sum(EPOCHS) - 1
    assert equal(resumed.before[epoch], whole.before[epoch])
    assert equal(resumed.after[last], whole.after[last])


def test_the_latest_checkpoint_is_found_after_a_stop(images, whole, tmp_path):
    train(tiny_config(images, tmp_path, EPOCHS), stop_after=2)
    cfg = tiny_config(images, tmp_path, EPOCHS)
    cfg.resume = True
    resumed = train(cfg)
    assert resumed.iterations == whole.iterations[3 * ITERATIONS :]
    assert equal(resumed.after[5], whole.after[5])


def test_what_the_model_froze_itself_stays_frozen(images, tmp_path):
    cfg = tiny_config(images, tmp_path)
    cfg.default_hooks.checkpoint = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    runner = Runner.from_cfg(cfg)
    stem = runner.model.backbone.model.conv_stem
    stem.requires_grad_(False)
    before = stem.weight.clone()
    runner.train()
    assert not stem.weight.requires_grad
    assert stem.weight.equal(before)
    assert runner.model.backbone.model.bn1.weight.requires_grad


def test_accumulated_gradients_do_not_outlive_their_stage(images, tmp_path):
    cfg = tiny_config(images, tmp_path, EPOCHS)
    cfg.default_hooks.checkpoint = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    # Of the 4 iterations of the first stage, 1 is left over.
    cfg.optim_wrapper.accumulative_counts = 3
    recorder = train(cfg)
    assert changed(recorder, 2) | changed(recorder, 3) == {
        'navigator',
        'region_head',
    }


def refused(images, work_dir, message, **changes):
    cfg = tiny_config(images, work_dir)
    cfg.merge_from_dict(changes)
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


def test_epochs_add_up(images, tmp_path):
    refused(
        images,
        tmp_path,
        r"stages last 3 epochs \({'pretraining': 1, .*max_epochs is 4",
        **{'train_cfg.max_epochs': 4},
    )


def test_unknown_parts_and_losses_are_named(images, tmp_path):
    key = 'custom_hooks.2.stages.2'
    refused(
        images,
        tmp_path,
        r'stage "joint" names \[\'neck.fpn\'\].*its parts are.*\'fusion\'',
        **{f'{key}.frozen': ('neck.fpn', 'backbone')},
    )
    refused(
        images, tmp_path, r"\['spine'\]", **{f'{key}.norm_eval': ('spine',)}
    )
    refused(
        images, tmp_path, "choice of .*'hinge'", **{f'{key}.losses': ['hinge']}
    )


def plain_model():
    """Config of an mmpretrain classifier; merging it takes a key away."""
    return dict(
        _delete_=True,
        type='ImageClassifier',
        backbone=dict(
            type='mmc2f.FeatureTap',
            model_name='test_efficientnet',
            nodes=['bn2'],
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=4, in_channels=256),
    )


def test_losses_of_a_model_that_has_no_choice_are_refused(images, tmp_path):
    refused(
        images,
        tmp_path,
        r"names the losses \('multi_level',\), but ImageClassifier has no",
        model=plain_model(),
    )


def test_a_warm_start_that_the_model_does_not_offer_is_refused(
    images, tmp_path
):
    stages = [dict(name='head', warm_start=['head'])]
    cfg = tiny_config(images, tmp_path, (1,), stages)
    cfg.merge_from_dict(dict(model=plain_model()))
    with pytest.raises(ValueError, match='has a warm_start, which ImageClas'):
        Runner.from_cfg(cfg).train()


def test_a_model_without_a_choice_of_losses_has_stages_too(images, tmp_path):
    stages = [dict(name='head', frozen=['backbone']), dict(name='everything')]
    cfg = tiny_config(images, tmp_path, (1, 1), stages)
    cfg.merge_from_dict(dict(model=plain_model()))
    recorder = train(cfg)
    assert changed(recorder, 0) == {'head'}
    assert changed(recorder, 1) == {'head', 'backbone'}


@pytest.mark.parametrize(
    'stages',
    [[], [dict(name='idle', epochs=0, losses=['softmax'])]],
)
def test_no_stage_or_one_without_epochs_is_refused(stages):
    with pytest.raises(ValueError, match='at least one stage, each of'):
        TrainingStageHook(stages)


def test_stage_of_an_epoch():
    stages = [
        dict(name=name, epochs=epochs, losses=['softmax'])
        for name, epochs in (('a', 2), ('b', 1))
    ]
    hook = TrainingStageHook(stages)
    assert [hook.stage_at(e).name for e in range(4)] == ['a', 'a', 'b', 'b']
