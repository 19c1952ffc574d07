"""A test of a tiny model, whose answers others are compared with."""

import json

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from tiny_ccfr import CLASSES, SIZE, own_default_scope

from mmc2f import C2FInferencer

# Every answer is doubted.
RULE = dict(type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0)
PIPELINE = [
    dict(type='mmc2f.LoadImage'),
    dict(type='ResizeEdge', scale=96),
    dict(type='CenterCrop', crop_size=SIZE),
    dict(type='PackInputs'),
]


class TestedRun:
    """A test run: its files, and what it says of each image."""

    # No class of tests.
    __test__ = False

    def __init__(self, cfg, folder, rule=RULE):
        self.gallery = str(folder / 'gallery.safetensors')
        self.checkpoint = str(folder / 'weights.pth')
        self.config = str(folder / 'tiny.py')
        out = folder / 'predictions.jsonl'
        hook = dict(type='mmc2f.ReRankHook', post_processor=rule)
        cfg.custom_hooks = [dict(hook, save_gallery=self.gallery)]
        metric = cfg.test_evaluator
        cfg.test_evaluator = [
            *(metric if isinstance(metric, list) else [metric]),
            dict(type='mmc2f.PredictionWriter', path=str(out), topn=3),
        ]
        self.cfg = Config(cfg.to_dict())
        self.cfg.custom_hooks = [hook]
        self.cfg.dump(self.config)
        with own_default_scope():
            self.runner = Runner.from_cfg(cfg)
            self.runner.test()
        self.save(self.checkpoint)
        self.records = [json.loads(x) for x in out.read_text().splitlines()]
        self.paths = [record['image'] for record in self.records]

    def save(self, path, scale=1.0):
        weights = {
            name: value * scale if value.is_floating_point() else value
            for name, value in self.runner.model.state_dict().items()
        }
        meta = dict(dataset_meta=dict(classes=list(CLASSES)))
        torch.save(dict(state_dict=weights, meta=meta), path)

    def inferencer(self, **kwargs):
        given = dict(pretrained=self.checkpoint, device='cpu')
        return C2FInferencer(
            kwargs.pop('model', self.config), **given, **kwargs
        )
