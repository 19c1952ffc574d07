"""A tiny experiment without faults: data, config, weights and results."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tiny_ccfr import CLASSES, TREE, write_images
from tool_helpers import BACKBONE, load_tool, write_child

from mmc2f.structures import LabelTree

__all__ = ['World', 'make_world', 'write_experiment']

SIZE = 64
LOAD = dict(type='mmc2f.LoadImage')
PACK = dict(type='PackInputs')
CLUSTERING = dict(type='mmc2f.ClassClustering', num_clusters=2)


@dataclass(frozen=True)
class World:
    """What every case starts from, in one folder.

    Attributes:
        images: Splits ``train`` and ``test``.
        config: Trains four epochs of two iterations.
        checkpoint: Of that training.
        gallery, predictions: Of a test of the checkpoint.
        mlph: A config of MLPH on the same images.
        trained_with: Config beside the checkpoint.
    """

    folder: Path

    @property
    def images(self) -> Path:
        return self.folder / 'images'

    @property
    def config(self) -> Path:
        return self.folder / 'own.py'

    @property
    def mlph(self) -> Path:
        return self.folder / 'mlph.py'

    @property
    def tree(self) -> Path:
        return self.folder / 'tree.json'

    @property
    def checkpoint(self) -> Path:
        return self.folder / 'work' / 'epoch_4.pth'

    @property
    def gallery(self) -> Path:
        return self.folder / 'gallery.safetensors'

    @property
    def predictions(self) -> Path:
        return self.folder / 'predictions.jsonl'

    def image(self, split: str = 'test', number: int = 0) -> Path:
        """One of the images of the first class."""
        return self.images / split / CLASSES[0] / f'{number}.png'


def make_world(folder: Path) -> World:
    """Make data and configs, train and test.

    Raises:
        RuntimeError: The experiment itself has a fault.
    """
    folder.mkdir(parents=True)
    world = World(folder)
    write_images(world.images, ('train', 'test'), size=SIZE)
    LabelTree.build(TREE).to_json(world.tree)
    write_experiment(world)
    write_mlph(world)
    _in_process(
        lambda: load_tool('train.py').main(
            [str(world.config), '--work-dir', str(folder / 'work')]
        ),
        folder / 'train.log',
    )
    _in_process(lambda: _test(world), folder / 'test.log')
    return world


def write_experiment(world: World, **facts: object) -> Path:
    """The config of CCFR."""
    loader = dict(num_workers=0, persistent_workers=False)
    test = dict(dataset=dict(pipeline=[LOAD, PACK]), **loader)
    model = dict(
        backbone=BACKBONE,
        navigator=dict(fpn_channels=8),
        fusion=dict(out_channels=16),
        cropper=dict(size=32),
    )
    common = dict(
        data_root=str(world.images),
        num_classes=len(CLASSES),
        taxonomy=str(world.tree),
        tree=str(world.tree),
        stage_epochs=(1, 1, 1, 1),
        batch_size=8,
        model=model,
        t_sf=1.0,
        train_dataloader=dict(dataset=dict(pipeline=[LOAD, PACK]), **loader),
        val_dataloader=test,
        test_dataloader=test,
        log_level='WARNING',
    )
    return write_child(world.config, 'ccfr_fonts', **common | facts)


def write_mlph(world: World) -> Path:
    """A config of MLPH, for cases of its own parts."""
    nodes = ('blocks.2', 'blocks.3', 'bn2')
    loader = dict(num_workers=0, persistent_workers=False)
    return write_child(
        world.mlph,
        'mlph_fonts',
        data_root=str(world.images),
        num_classes=len(CLASSES),
        taxonomy=str(world.tree),
        stage_epochs=(1, 1),
        batch_size=8,
        channels=8,
        input_size=SIZE,
        views=[
            dict(name='high', level='class', resolution=None),
            dict(name='low', level='group', resolution=16),
        ],
        model=dict(backbone=dict(BACKBONE, nodes=nodes)),
        train_dataloader=loader,
        val_dataloader=loader,
        test_dataloader=loader,
    )


def _test(world: World) -> None:
    metrics = load_tool('test.py').main(
        [
            *(str(world.config), str(world.checkpoint), '--rerank'),
            *('--work-dir', str(world.folder / 'test')),
            *('--gallery', str(world.gallery)),
            *('--out', str(world.predictions)),
        ]
    )
    (world.folder / 'metrics.json').write_text(json.dumps(metrics))


def _in_process(function: Callable[[], None], log: Path) -> None:
    """Run it in a fork, so that nothing of it stays in this process."""
    sys.stdout.flush()
    process = os.fork()
    if not process:
        code = 1
        try:
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            function()
            code = 0
        except BaseException as error:
            os.write(2, repr(error).encode())
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    if status:
        text = log.read_text(errors='replace')[-3000:]
        raise RuntimeError(f'the good experiment fails:\n{text}')
