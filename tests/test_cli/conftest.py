"""A command line that runs in this process, and a tiny trained model."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.apis import get_model
from tiny_ccfr import CLASSES, SIZE, tiny_config, write_images

from mmc2f.cli.app import run

PIPELINE = [
    dict(type='mmc2f.LoadImage'),
    dict(type='ResizeEdge', scale=SIZE),
    dict(type='CenterCrop', crop_size=SIZE),
    dict(type='PackInputs'),
]


@dataclass(frozen=True)
class Said:
    """What a command has answered."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of standard error."""
        return (self.err.splitlines() or [''])[-1]


@pytest.fixture(autouse=True)
def _own_log(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'state'))


@pytest.fixture
def say(capsys):
    """Runs a command line."""

    def run_words(*words: object) -> Said:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return run_words


@pytest.fixture(scope='session')
def images(tmp_path_factory) -> Path:
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='session')
def trained_work_dir(images, tmp_path_factory) -> Path:
    """As a training leaves it, with weights as they are made; to be copied."""
    folder = tmp_path_factory.mktemp('work')
    cfg = tiny_config(images, folder)
    cfg.test_dataloader.dataset.pipeline = PIPELINE
    rule = dict(type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0)
    hook = dict(type='mmc2f.ReRankHook', post_processor=rule)
    cfg.custom_hooks = [*cfg.custom_hooks, hook]
    cfg.dump(str(folder / 'tiny.py'))
    before = DefaultScope._instance_dict.copy()
    torch.manual_seed(0)
    model = get_model(cfg, pretrained=False)
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)
    meta = dict(dataset_meta=dict(classes=list(CLASSES)))
    torch.save(
        dict(state_dict=model.state_dict(), meta=meta), folder / 'epoch_3.pth'
    )
    (folder / 'last_checkpoint').write_text('epoch_3.pth')
    return folder


@pytest.fixture
def work_dir(trained_work_dir, tmp_path_factory) -> Path:
    """A copy: a command that re-ranks puts a gallery into it."""
    folder = tmp_path_factory.mktemp('work') / 'own'
    return shutil.copytree(trained_work_dir, folder)


@pytest.fixture
def own_work_dir(work_dir) -> Path:
    """For a test that changes it itself."""
    return work_dir
