"""A CCFR that trains in a second, and pictures to train it on."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image

CLASSES = ('amber', 'blue', 'cyan', 'dun')
COLOURS = ((250, 190, 30), (20, 40, 220), (30, 210, 230), (120, 100, 80))
SIZE = 64
# Two images of each class in a batch.
BATCH_SIZE = 2 * len(CLASSES)
IMAGES_PER_CLASS = 4  # of each split
ITERATIONS = IMAGES_PER_CLASS * len(CLASSES) // BATCH_SIZE
# (0, 1) and (2, 3).
TREE = dict(
    levels=['class', 'group'],
    classes=[list(CLASSES), ['warm', 'cold']],
    parents=[[0, 1, 1, 0]],
)
STAGES = (
    dict(name='pretraining', losses=('multi_level',)),
    dict(
        name='navigator',
        losses=('region', 'ranking'),
        frozen=('backbone', 'global_head'),
        warm_start=('region_head',),
    ),
    dict(
        name='joint',
        losses=('softmax', 'triplet'),
        norm_eval=('backbone',),
        lr_scale=0.5,
        warm_start=('head',),
    ),
)
LEARNING_RATE = 0.01
# Runners of one name share their log.
_counter = itertools.count()


@contextmanager
def own_default_scope() -> Iterator[None]:
    """Take back every default scope that a fixture of a module sets."""
    before = DefaultScope._instance_dict.copy()
    try:
        yield
    finally:
        DefaultScope._instance_dict.clear()
        DefaultScope._instance_dict.update(before)


def write_images(
    folder: Path,
    splits: Sequence[str] = ('train', 'val', 'test'),
    classes: Sequence[str] = CLASSES,
    size: int = SIZE,
) -> Path:
    """Noisy squares, ``folder/SPLIT/CLASS/N.png``, a colour a class."""
    rng = np.random.default_rng(0)
    for split, (index, name) in itertools.product(splits, enumerate(classes)):
        directory = folder / split / name
        directory.mkdir(parents=True)
        for number in range(IMAGES_PER_CLASS):
            noise = rng.integers(-40, 40, (size, size, 3))
            pixels = np.clip(np.array(COLOURS[index % 4]) + noise, 0, 255)
            image = Image.fromarray(pixels.astype(np.uint8))
            image.save(directory / f'{number}.png')
    return folder


def model_config(tree: object = TREE, num_classes: int = len(CLASSES)) -> dict:
    """A CCFR on a network of 0.4 million weights."""
    return dict(
        type='mmc2f.CCFR',
        data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
        backbone=dict(
            type='mmc2f.FeatureTap',
            model_name='test_efficientnet',
            nodes=('blocks.3', 'bn2'),
        ),
        global_head=dict(
            type='mmc2f.MultiLevelHead',
            num_classes=num_classes,
            in_channels=256,
            tree=tree,
        ),
        navigator=dict(
            type='mmc2f.FPNNavigatorHead',
            in_channels=(48, 256),
            fpn_channels=8,
            anchors=dict(
                type='mmc2f.AnchorGenerator',
                scales=(24, 40),
                reference_size=None,
            ),
        ),
        nms=dict(type='mmc2f.ScaleSeparatedNMS', topk=1),
        cropper=dict(type='mmc2f.RegionCropper', size=32),
        fusion=dict(
            type='mmc2f.FusionNeck',
            in_channels=256,
            out_channels=16,
            regions_per_scale=1,
        ),
        region_head=dict(
            type='LinearClsHead', num_classes=num_classes, in_channels=256
        ),
        head=dict(
            type='LinearClsHead',
            num_classes=num_classes,
            in_channels=256 + 2 * 16,
            # Both in the first k of the accuracy.
            topk=(1, 2),
        ),
        num_proposals=2,
    )


def loader_config(data_root: Path, split: str, **sampler: object) -> dict:
    """A data loader without workers; by default in order."""
    return dict(
        batch_size=BATCH_SIZE,
        num_workers=0,
        dataset=dict(
            type='mmc2f.ImageFolder',
            data_root=str(data_root),
            split=split,
            pipeline=[dict(type='mmc2f.LoadImage'), dict(type='PackInputs')],
        ),
        sampler=sampler or dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
    )


def cosine(epochs: Sequence[int]) -> list[dict]:
    """One cosine a stage, stepping each iteration, as the configs do."""
    ends = itertools.accumulate(epochs)
    return [
        dict(
            type='CosineAnnealingLR',
            begin=end - length,
            end=end,
            T_max=length,
            by_epoch=True,
            convert_to_iter_based=True,
        )
        for length, end in zip(epochs, ends, strict=True)
    ]


def tiny_config(
    data_root: Path,
    work_dir: Path,
    epochs: Sequence[int] = (1, 1, 1),
    stages: Sequence[dict] = STAGES,
) -> Config:
    """A whole experiment in three stages.

    Args:
        data_root: What :func:`write_images` wrote.
        work_dir: For logs and checkpoints.
        epochs: Of each stage.
        stages: Their settings, without epochs.
    """
    stages = [
        dict(stage, epochs=length)
        for stage, length in zip(stages, epochs, strict=True)
    ]
    evaluator = [
        dict(type='Accuracy', topk=1),
        dict(type='mmc2f.ReRankMetric'),
    ]
    return Config(
        dict(
            default_scope='mmpretrain',
            experiment_name=f'tiny_{next(_counter)}',
            work_dir=str(work_dir),
            model=model_config(),
            train_dataloader=loader_config(
                data_root,
                'train',
                type='mmc2f.PKSampler',
                num_classes_per_batch=len(CLASSES),
                num_images_per_class=2,
            ),
            val_dataloader=loader_config(data_root, 'val'),
            test_dataloader=loader_config(data_root, 'test'),
            train_cfg=dict(by_epoch=True, max_epochs=sum(epochs)),
            val_cfg=dict(),
            test_cfg=dict(),
            val_evaluator=dict(type='Accuracy', topk=1),
            test_evaluator=evaluator,
            optim_wrapper=dict(
                optimizer=dict(
                    type='SGD',
                    lr=LEARNING_RATE,
                    momentum=0.9,
                    weight_decay=1e-4,
                ),
                paramwise_cfg=dict(
                    custom_keys={
                        'head': dict(lr_mult=10),
                        'backbone': dict(lr_mult=1),
                    }
                ),
            ),
            param_scheduler=cosine(epochs),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(type='CheckpointHook', interval=1),
            ),
            custom_hooks=[
                dict(type='mmc2f.ClassCountHook'),
                dict(type='mmc2f.PlainCheckpointHook'),
                dict(type='mmc2f.TrainingStageHook', stages=stages),
            ],
            env_cfg=dict(
                mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0)
            ),
            randomness=dict(seed=0),
            log_level='WARNING',
        )
    )
