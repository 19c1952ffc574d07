"""Whole trainings on two and three ranks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner
from ranks import environment
from tiny_ccfr import own_default_scope, tiny_config, write_images
from tiny_views import VIEWS, views_config

TRAINING = 'distributed_training.py'


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def start(images, tmp_path_factory):
    """Weights that runners of different kinds begin with."""
    folder = tmp_path_factory.mktemp('start')
    with own_default_scope():
        model = Runner.from_cfg(tiny_config(images, folder)).model
    weights = model.state_dict()
    # The classes are clustered anew.
    del weights['global_head.tree_json']
    torch.save(dict(state_dict=weights), folder / 'start.pth')
    return folder / 'start.pth'


def train_on_ranks(count, name, images, work_dir, start='none'):
    """What each rank has noted down."""
    return run_on_ranks(count, TRAINING, work_dir, name, images, start)


def run_on_ranks(count, script, work_dir, *arguments):
    """What each rank of a script has written into its work dir."""
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'torch.distributed.run'),
            *('--standalone', '--nproc_per_node', str(count)),
            *(Path(__file__).with_name(script), *arguments, work_dir),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # MMEngine collects results in a folder of the current one.
        cwd=work_dir,
        env=environment(),
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return [
        json.loads((work_dir / f'rank_{rank}.json').read_text())
        for rank in range(count)
    ]


@pytest.fixture(scope='module')
def ccfr_on_three_ranks(images, start, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('three')
    return work_dir, *train_on_ranks(3, 'ccfr', images, work_dir, start)


def test_stages_clustering_and_gallery(ccfr_on_three_ranks):
    # 16 images do not fill the batches of 4 on each of 3 ranks.
    work_dir, first, *others = ccfr_on_three_ranks
    assert [rank['agreed'] for rank in others] == [first['agreed']] * 2
    metrics = first['agreed']['metrics']
    assert {'rerank/coarse_top1', 'rerank/rerank_top1'} <= set(metrics)
    assert (work_dir / 'label_tree.json').is_file()


def test_weights_that_are_shared_out_are_trained_alike(
    images, start, ccfr_on_three_ranks, tmp_path
):
    whole = ccfr_on_three_ranks[0]
    first, *others = train_on_ranks(3, 'fsdp', images, tmp_path, start)
    assert [rank['agreed'] for rank in others] == [first['agreed']] * 2
    expected, shared = (
        torch.load(folder / 'epoch_3.pth', weights_only=True)['state_dict']
        for folder in (whole, tmp_path)
    )
    assert shared.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            shared[name], value, rtol=0, atol=1e-4, msg=name
        )


@pytest.fixture(scope='module')
def views_on_two_ranks(images, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('two')
    return work_dir, *train_on_ranks(2, 'views', images, work_dir)


def test_ranks_see_one_view_at_a_time_and_no_image_twice(views_on_two_ranks):
    _, *ranks = views_on_two_ranks
    assert ranks[0]['agreed'] == ranks[1]['agreed']
    steps = zip(ranks[0]['batches'], ranks[1]['batches'], strict=True)
    seen = set()
    for step, (one, two) in enumerate(steps):
        # 16 images in batches of 4 on 2 ranks: 2 turns an epoch.
        if step % (2 * len(VIEWS)) == 0:
            seen.clear()
        together = {tuple(sample) for sample in (*one, *two)}
        assert len(together) == 8 and not together & seen
        seen |= together
        assert {view for view, _ in together} == {
            VIEWS[step % len(VIEWS)]['name']
        }
    assert step + 1 == 2 * 2 * len(VIEWS)


def test_two_ranks_train_as_one_does(images, views_on_two_ranks, tmp_path):
    work_dir, rank, _ = views_on_two_ranks
    cfg = views_config(images, tmp_path)
    cfg.train_dataloader.batch_size *= 2
    runner = Runner.from_cfg(cfg)
    runner.train()
    metrics = runner.test()
    shared = torch.load(work_dir / 'epoch_2.pth', weights_only=False)
    weights = shared['state_dict']
    for name, alone in runner.model.named_parameters():
        torch.testing.assert_close(
            weights[name], alone.detach(), rtol=0, atol=5e-5, msg=name
        )
    assert rank['agreed']['metrics'] == pytest.approx(metrics)


def test_ranks_stop_together_and_resume(tmp_path):
    one, two = run_on_ranks(2, 'distributed_resume.py', tmp_path)
    assert one == two
    # In the middle of the second of 3 epochs of 2 iterations a rank.
    assert 'stopped by SIGTERM after iteration 3 of 6' in one['stopped']
    assert one['resumed'] == one['whole']
