"""Where a training over views goes on after an interruption."""

import itertools
from types import SimpleNamespace

import pytest
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner import loops as mmengine_loops
from tiny_ccfr import (
    CLASSES,
    IMAGES_PER_CLASS,
    own_default_scope,
    write_images,
)
from tiny_views import VIEWS, Witness, views_loader

NAMES = [view['name'] for view in VIEWS]
BATCH_SIZE = 5
EPOCH = IMAGES_PER_CLASS * len(CLASSES) // BATCH_SIZE * len(VIEWS)
BY_EPOCH = dict(by_epoch=True, max_epochs=3)
BY_ITER = dict(by_epoch=False, max_iters=2 * EPOCH + 3, val_interval=1000)
# Runners of one name share their log.
_counter = itertools.count()


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'), splits=['train'])


@pytest.fixture(scope='module', autouse=True)
def _no_pause():
    """MMEngine waits two seconds before it starts another epoch."""
    idle = SimpleNamespace(sleep=lambda seconds: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine_loops, 'time', idle)
        yield


@pytest.fixture(scope='module')
def whole_by_epoch(images, tmp_path_factory):
    with own_default_scope():
        return train(images, tmp_path_factory.mktemp('whole'), BY_EPOCH)


@pytest.fixture(scope='module')
def whole_by_iter(images, tmp_path_factory):
    with own_default_scope():
        return train(images, tmp_path_factory.mktemp('whole'), BY_ITER)


class StopAfter(Hook):
    """Interrupts a training after so many iterations, checkpoint written."""

    priority = 'LOWEST'

    def __init__(self, iterations):
        self.iterations = iterations

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        if runner.iter + 1 == self.iterations:
            raise KeyboardInterrupt


def train(
    images,
    work_dir,
    train_cfg,
    stop_after=None,
    checkpoint_by_epoch=None,
    workers=0,
    resume=False,
):
    """The batches that a model has seen, until it was interrupted."""
    if checkpoint_by_epoch is None:
        checkpoint_by_epoch = train_cfg['by_epoch']
    model = Witness()
    runner = Runner(
        model,
        str(work_dir),
        train_dataloader=dict(
            views_loader(images, batch_size=BATCH_SIZE), num_workers=workers
        ),
        train_cfg=train_cfg,
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(
            checkpoint=dict(
                type='CheckpointHook',
                interval=1,
                by_epoch=checkpoint_by_epoch,
            )
        ),
        # Else resuming would need --trust.
        custom_hooks=[dict(type='mmc2f.PlainCheckpointHook')],
        randomness=dict(seed=1),
        default_scope='mmpretrain',
        experiment_name=f'in_turn_{next(_counter)}',
        log_level='ERROR',
        resume=resume,
    )
    if stop_after is None:
        runner.train()
        # Workers that wait for the garbage collection end ten seconds late.
        runner.train_loop.dataloader_iterator = None
        return model.batches
    runner.register_hook(StopAfter(stop_after))
    with pytest.raises(KeyboardInterrupt):
        runner.train()
    return model.batches


def views_of(batches):
    """The view of each batch, which has only one."""
    found = [{view for view, *_ in batch} for batch in batches]
    assert all(len(views) == 1 for views in found)
    return [views.pop() for views in found]


def test_epochs_begin_with_the_first_view(whole_by_epoch):
    assert views_of(whole_by_epoch) == NAMES * (3 * EPOCH // len(NAMES))
    epochs = [whole_by_epoch[i * EPOCH : (i + 1) * EPOCH] for i in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]


# Within an epoch and a turn; the last checkpoint is of the epoch's begin, or
# of this iteration. MMEngine begins the epoch anew either way.
@pytest.mark.parametrize('checkpoint_by_epoch', [True, False])
def test_resumes_by_epoch(
    images, whole_by_epoch, tmp_path, checkpoint_by_epoch
):
    train(images, tmp_path, BY_EPOCH, EPOCH + 2, checkpoint_by_epoch)
    resumed = train(images, tmp_path, BY_EPOCH, resume=True)
    assert resumed == whole_by_epoch[EPOCH:]


@pytest.mark.parametrize(
    ('stop', 'workers'),
    [(1, 0), (2, 0), (EPOCH - 1, 0), (EPOCH, 0), (EPOCH + 5, 2)],
)
def test_resumes_by_iteration(images, whole_by_iter, tmp_path, stop, workers):
    assert views_of(whole_by_iter) == NAMES * (2 * EPOCH // len(NAMES) + 1)
    assert train(images, tmp_path, BY_ITER, stop) == whole_by_iter[:stop]
    resumed = train(images, tmp_path, BY_ITER, workers=workers, resume=True)
    assert views_of(resumed)[0] == NAMES[stop % len(NAMES)]
    assert resumed == whole_by_iter[stop:]
