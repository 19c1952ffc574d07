"""A page on a tiny model, with a count of its forward passes."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mmpretrain.apis import get_model
from sent_files import file_uri
from tiny_ccfr import CLASSES, SIZE, own_default_scope, tiny_config
from tiny_ccfr import write_images as write_splits

from mmc2f import C2FInferencer
from mmc2f.apis.model_gallery import build_model_gallery
from mmc2f.retrieval import ReRanker, ReRankPostProcessor
from mmc2f.web.live_answers import LiveAnswers
from mmc2f.web.rate_limit import RateLimit
from mmc2f.web.visit import Visits

PIPELINE = [
    dict(type='mmc2f.LoadImage'),
    dict(type='ResizeEdge', scale=SIZE),
    dict(type='CenterCrop', crop_size=SIZE),
    dict(type='PackInputs'),
]
RULE = dict(topn=3, topm=8, t_sf=1.0, t_sc=0.2)


@dataclass
class Count:
    """How often a model has been run."""

    forward_passes: int = 0


@pytest.fixture(scope='session')
def images(tmp_path_factory) -> Path:
    return write_splits(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='session')
def tiny(images, tmp_path_factory):
    """A model with weights as they are made, and its gallery."""
    cfg = tiny_config(images, tmp_path_factory.mktemp('work'))
    for loader in (cfg.test_dataloader, cfg.train_dataloader):
        loader.dataset.pipeline = PIPELINE
    with own_default_scope():
        torch.manual_seed(0)
        model = get_model(cfg, pretrained=False)
        model._dataset_meta = dict(classes=list(CLASSES))
        model.eval()
        gallery = build_model_gallery(model)
    return model, gallery


@pytest.fixture
def make_answers(tiny):
    """Makes what a page asks, with or without a gallery."""
    model, gallery = tiny

    def make(has_gallery: bool = True, **rule: object) -> LiveAnswers:
        with own_default_scope():
            inferencer = C2FInferencer(model, pretrained=False, device='cpu')
        if has_gallery:
            inferencer.reranker = ReRanker(
                ReRankPostProcessor(**{**RULE, **rule}), gallery
            )
        return LiveAnswers(inferencer)

    yield make
    model.attach_reranker(None)


@pytest.fixture
def answers(make_answers) -> LiveAnswers:
    return make_answers()


@pytest.fixture
def visits(answers) -> Visits:
    return Visits(answers, forward=RateLimit(per_second=1000, burst=1000))


@pytest.fixture
def count(tiny):
    """Counts the forward passes from now on."""
    model, _ = tiny
    counted = Count()
    embed = model.embed

    def count_one(inputs):
        counted.forward_passes += 1
        return embed(inputs)

    model.embed = count_one
    yield counted
    del model.embed


@pytest.fixture(scope='session')
def image(images) -> str:
    """A picture of the class cyan, as a browser sends it."""
    path = sorted(images.glob('test/cyan/*.png'))[0]
    return file_uri(path.read_bytes())
