"""A page on a tiny model with weights as they are made."""

from pathlib import Path

import torch
from mmengine.model import BaseModel
from mmpretrain.apis import get_model
from sent_files import file_uri
from tiny_ccfr import (
    CLASSES,
    SIZE,
    own_default_scope,
    tiny_config,
    write_images,
)

from mmc2f import C2FInferencer
from mmc2f.apis.model_gallery import build_model_gallery
from mmc2f.retrieval import Gallery, ReRanker, ReRankPostProcessor
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


def tiny_model(images: Path, work_dir: Path) -> tuple[BaseModel, Gallery]:
    """A CCFR, and the gallery of its training images."""
    cfg = tiny_config(images, work_dir)
    for loader in (cfg.test_dataloader, cfg.train_dataloader):
        loader.dataset.pipeline = PIPELINE
    with own_default_scope():
        torch.manual_seed(0)
        model = get_model(cfg, pretrained=False)
        model._dataset_meta = dict(classes=list(CLASSES))
        model.eval()
        return model, build_model_gallery(model)


def tiny_answers(
    model: BaseModel, gallery: Gallery | None, **rule: object
) -> LiveAnswers:
    """What a page asks, re-ranked where there is a gallery."""
    with own_default_scope():
        inferencer = C2FInferencer(model, pretrained=False, device='cpu')
    if gallery is not None:
        post_processor = ReRankPostProcessor(**{**RULE, **rule})
        inferencer.reranker = ReRanker(post_processor, gallery)
    return LiveAnswers(inferencer)


def unlimited() -> RateLimit:
    return RateLimit(per_second=1e6, burst=10**6)


def sent_image(images: Path) -> str:
    """A picture of the class cyan, as a browser sends it."""
    path = sorted(images.glob('test/cyan/*.png'))[0]
    return file_uri(path.read_bytes())


def tiny_visits(folder: Path) -> tuple[Visits, str]:
    """All of it in one folder, and an image to send."""
    images = write_images(folder / 'images')
    answers = tiny_answers(*tiny_model(images, folder / 'work'))
    return Visits(answers, forward=unlimited()), sent_image(images)
