"""Short trainings by the shipped configs, with all that is random in them."""

from pathlib import Path

from tiny_ccfr import CLASSES, TREE, write_images
from tool_helpers import BACKBONE, write_child

from mmc2f.structures import LabelTree

SIZE = 64
CLUSTERING = dict(type='mmc2f.ClassClustering', num_clusters=2)
# Layers are dropped at random too.
BACKBONE = dict(BACKBONE, drop_path_rate=0.5)
LOAD = dict(type='mmc2f.LoadImage')
RANDOM = (
    dict(type='RandomCrop', crop_size=SIZE, padding=8),
    dict(type='mmengine.RandomShift'),
    dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3),
)
#: Epochs of each stage, and iterations of an epoch.
EPOCHS = dict(ccfr=(2, 2, 2, 2), mlph=(2, 2))
ITERATIONS = dict(ccfr=2, mlph=6)


def write_run(name: str, folder: Path, clustered: bool = False) -> Path:
    """Make images, and a config to train on them in seconds.

    Args:
        name: ``'ccfr'`` or ``'mlph'``.
        folder: For both.
        clustered: Let the tree of CCFR be found by clustering.

    Returns:
        The config file.
    """
    images = write_images(folder / 'images', ('train', 'test'), size=SIZE)
    tree = folder / 'tree.json'
    LabelTree.build(TREE).to_json(tree)
    facts = dict(
        # Of RandomShift.
        custom_imports=dict(imports=['random_shift']),
        data_root=str(images),
        num_classes=len(CLASSES),
        taxonomy=str(tree),
        stage_epochs=EPOCHS[name],
        train_cfg=dict(val_interval=2),
        batch_size=8,
        input_size=SIZE,
    )
    own = dict(ccfr=_ccfr, mlph=_mlph)[name](
        CLUSTERING if clustered else str(tree)
    )
    return write_child(folder / f'{name}.py', f'{name}_fonts', **facts, **own)


def _ccfr(tree: str | dict) -> dict:
    pack = dict(type='PackInputs')
    return dict(
        model=dict(
            backbone=BACKBONE,
            navigator=dict(fpn_channels=8),
            fusion=dict(out_channels=16),
            cropper=dict(size=32),
        ),
        tree=tree,
        t_sf=1.0,
        **_loaders([pack]),
    )


def _mlph(tree: object) -> dict:
    pack = dict(
        type='PackInputs',
        algorithm_keys=('gt_label_levels',),
        meta_keys=('sample_idx', 'img_path', 'level', 'resolution', 'view'),
    )
    nodes = ('blocks.2', 'blocks.3', 'bn2')
    return dict(
        model=dict(backbone=dict(BACKBONE, nodes=nodes)),
        channels=8,
        views=[
            dict(name='high', level='class', resolution=None),
            dict(name='medium', level='group', resolution=32),
            dict(name='low', level='group', resolution=16),
        ],
        **_loaders([dict(type='mmc2f.DegradeResolution'), pack]),
    )


def _loaders(finish: list[dict]) -> dict:
    train, test = [LOAD, *RANDOM, *finish], [LOAD, *finish]
    workers = dict(num_workers=2, persistent_workers=True)
    return dict(
        train_dataloader=dict(dataset=dict(pipeline=train), **workers),
        val_dataloader=dict(dataset=dict(pipeline=test), num_workers=0),
        test_dataloader=dict(dataset=dict(pipeline=test), num_workers=0),
    )
