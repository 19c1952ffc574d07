"""Tools on several processes without a GPU answer as on one."""

import json
import subprocess
import sys

import pytest
from ranks import environment, free_port, run_ranks
from tiny_ccfr import own_default_scope, write_images
from tool_helpers import ROOT, load_tool, write_config

from mmc2f.apis.ablation.finished_run import logged_metrics
from mmc2f.retrieval import Gallery

test = load_tool('test.py')
NO_WORKERS = [
    '--no-pin-memory',
    '--no-persistent-workers',
    '--cfg-options',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'test_dataloader.num_workers=0',
]


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """Of 13 images to train on, one of the last class, and 13 to test on."""
    images = write_images(
        tmp_path_factory.mktemp('images'), ('train', 'test'), size=128
    )
    removed = ['train/dun/1', 'train/dun/2', 'train/dun/3']
    for name in [*removed, 'test/amber/0', 'test/cyan/2', 'test/dun/3']:
        (images / f'{name}.png').unlink()
    return write_config(tmp_path_factory.mktemp('config') / 'own.py', images)


@pytest.fixture(scope='module')
def checkpoint(config, tmp_path_factory):
    """Of a training on two processes, by torchrun."""
    folder = tmp_path_factory.mktemp('two')
    done = subprocess.run(
        [
            *(ROOT / 'tools/dist_train.sh', config, '2'),
            *('--work-dir', folder / 'work', *NO_WORKERS),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment(PYTHON=sys.executable, PORT=str(free_port())),
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return folder / 'work/epoch_4.pth'


def options(config, checkpoint, folder):
    return [
        *(config, checkpoint, '--work-dir', folder / 'work'),
        *('--out', folder / 'predictions.jsonl'),
        *('--gallery', folder / 'gallery.safetensors'),
        *('--cfg-options', 'test_dataloader.num_workers=0'),
        *('train_dataloader.num_workers=0',),
    ]


def results(folder):
    """Metrics, answers and gallery of a test."""
    lines = (folder / 'predictions.jsonl').read_text().splitlines()
    answers = [json.loads(line) for line in lines]
    gallery = Gallery.load(folder / 'gallery.safetensors')
    return logged_metrics(folder / 'work'), answers, gallery


@pytest.fixture(scope='module')
def alone(config, checkpoint, tmp_path_factory):
    """What one process finds."""
    folder = tmp_path_factory.mktemp('one')
    with own_default_scope(), pytest.MonkeyPatch.context() as patch:
        patch.setenv('LOCAL_RANK', '0')
        test.main([str(o) for o in options(config, checkpoint, folder)])
    return results(folder)


@pytest.mark.parametrize(('count', 'launcher'), [(2, 'slurm'), (3, 'mpi')])
def test_several_processes_find_what_one_finds(
    config, checkpoint, alone, count, launcher, tmp_path
):
    command = [
        ROOT / 'tools/test.py',
        *options(config, checkpoint, tmp_path),
        *('--launcher', launcher),
    ]
    run_ranks(count, command, tmp_path, launcher)
    metrics, answers, gallery = results(tmp_path)
    expected, answers_of_one, gallery_of_one = alone
    # 13 images in batches of 8, and of 7 or 5 on each process.
    assert {k: v for k, v in metrics.items() if 'time' not in k} == {
        k: v for k, v in expected.items() if 'time' not in k
    }
    assert gallery.image_ids == gallery_of_one.image_ids
    assert gallery.labels.equal(gallery_of_one.labels)
    assert (gallery.embeddings - gallery_of_one.embeddings).abs().max() < 1e-5
    for mine, other in zip(answers, answers_of_one, strict=True):
        assert mine['image'] == other['image']
        assert mine['truth'] == other['truth']
        # Batches of another size round otherwise: ties may change places.
        for name, what, value in (
            ('coarse', 'class', 'probability'),
            ('reranked', 'class', 'score'),
            ('neighbours', 'image', 'similarity'),
        ):
            found, expected = (
                {entry[what]: entry[value] for entry in answer[name]}
                for answer in (mine, other)
            )
            assert found == pytest.approx(expected, abs=1e-5)
