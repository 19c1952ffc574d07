"""Whole trainings on two ranks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner
from tiny_ccfr import write_images
from tiny_views import VIEWS, views_config

TRAINING = 'distributed_training.py'


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


def train_on_two_ranks(name, images, work_dir):
    """What each rank has noted down."""
    return run_on_two_ranks(TRAINING, work_dir, name, images)


def run_on_two_ranks(script, work_dir, *arguments):
    """What each rank of a script has written into its work dir."""
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'torch.distributed.run'),
            *('--standalone', '--nproc_per_node', '2'),
            *(Path(__file__).with_name(script), *arguments, work_dir),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return [
        json.loads((work_dir / f'rank_{rank}.json').read_text())
        for rank in range(2)
    ]


def test_stages_clustering_and_gallery(images, tmp_path):
    one, two = train_on_two_ranks('ccfr', images, tmp_path)
    assert one['agreed'] == two['agreed']
    metrics = one['agreed']['metrics']
    assert {'rerank/coarse_top1', 'rerank/rerank_top1'} <= set(metrics)
    assert (tmp_path / 'label_tree.json').is_file()


@pytest.fixture(scope='module')
def views_on_two_ranks(images, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('two')
    return work_dir, *train_on_two_ranks('views', images, work_dir)


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
    one, two = run_on_two_ranks('distributed_resume.py', tmp_path)
    assert one == two
    # In the middle of the second of 3 epochs of 2 iterations a rank.
    assert 'stopped by SIGTERM after iteration 3 of 6' in one['stopped']
    assert one['resumed'] == one['whole']
