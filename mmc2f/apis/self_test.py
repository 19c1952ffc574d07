"""CCFR from images to re-ranked answers in seconds, to see that it works."""

import time
from typing import Any

import torch
from mmpretrain.structures import DataSample

from mmc2f.registry import MODELS
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor

__all__ = ['run_self_test']

NUM_CLASSES, IMAGES_PER_CLASS, SIZE = 3, 2, 64
#: Cosine of an image with itself, but for rounding.
SAME = 0.999
TREE: dict[str, Any] = dict(
    levels=['class', 'group'],
    classes=[['a', 'b', 'c'], ['a or b', 'c']],
    parents=[[0, 0, 1]],
)
MODEL = dict(
    type='mmc2f.CCFR',
    num_classes=NUM_CLASSES,
    tree=TREE,
    backbone=dict(
        type='mmc2f.FeatureTap',
        model_name='test_efficientnet',
        nodes=('blocks.3', 'bn2'),
    ),
    global_head=dict(type='mmc2f.MultiLevelHead'),
    navigator=dict(
        type='mmc2f.FPNNavigatorHead',
        fpn_channels=8,
        anchors=dict(
            type='mmc2f.AnchorGenerator',
            scales=(24, 40),
            reference_size=None,
        ),
    ),
    nms=dict(type='mmc2f.ScaleSeparatedNMS', topk=1),
    cropper=dict(type='mmc2f.RegionCropper', size=32),
    fusion=dict(type='mmc2f.FusionNeck', out_channels=16),
    region_head=dict(type='mmpretrain.LinearClsHead'),
    head=dict(type='mmpretrain.LinearClsHead'),
    num_proposals=2,
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
)


def run_self_test() -> dict[str, float]:
    """Train a tiny CCFR by one step, fill a gallery, and re-rank by it.

    Returns:
        Seconds of each part: ``'build'``, ``'train'``, ``'predict'``.

    Raises:
        RuntimeError: An answer is not what it must be.
        Exception: A part fails; of any type.
    """
    seconds = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = time.perf_counter()
        model = MODELS.build(MODEL)
        seconds['build'] = time.perf_counter() - start
        images = torch.randint(
            0, 256, (NUM_CLASSES * IMAGES_PER_CLASS, 3, SIZE, SIZE)
        ).byte()
        start = time.perf_counter()
        _train(model, images)
        seconds['train'] = time.perf_counter() - start
        start = time.perf_counter()
        _predict(model.eval(), images)
        seconds['predict'] = time.perf_counter() - start
    return seconds


def _batch(model, images: torch.Tensor, training: bool) -> dict:
    samples = [
        DataSample().set_gt_label(place // IMAGES_PER_CLASS)
        for place in range(len(images))
    ]
    data = dict(inputs=images, data_samples=samples)
    return model.data_preprocessor(data, training)


def _train(model, images: torch.Tensor) -> None:
    """One step of all losses at once."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    losses = model(**_batch(model, images, True), mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    optimizer.step()
    if not loss.isfinite():
        raise RuntimeError(f'the loss of the first step is {float(loss)}')


@torch.no_grad()
def _predict(model, images: torch.Tensor) -> None:
    """Every image finds itself in a gallery of all of them."""
    samples = model(**_batch(model, images, False), mode='predict')
    gallery = Gallery()
    gallery.fill(
        torch.stack([sample.embedding for sample in samples]),
        torch.arange(len(images)) // IMAGES_PER_CLASS,
        [f'image {place}' for place in range(len(images))],
        fingerprint={},
        class_names=TREE['classes'][0],
    )
    rule = ReRankPostProcessor(topn=NUM_CLASSES, t_sf=1.0)
    model.attach_reranker(ReRanker(rule, gallery))
    samples = model(**_batch(model, images, False), mode='predict')
    for place, sample in enumerate(samples):
        nearest = float(sample.neighbour_similarities[0])
        found = sample.neighbour_ids[0]
        if nearest < SAME or not sample.pred_score.isfinite().all():
            raise RuntimeError(
                f'image {place} finds {found} as its nearest, at cosine '
                f'{nearest}, and not itself'
            )
