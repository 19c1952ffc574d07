"""The models that several programs measure, with weights as they are made."""

from typing import Any

import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from mmc2f.apis import load_config

__all__ = ['build', 'gpu_is_missing']


def build(name: str, **values: Any) -> Any:
    """The model of a shipped config in evaluation mode.

    Args:
        name: Of the config, without ``.py``.
        **values: In place of the model's own.
    """
    cfg = load_config(f'configs/{name}.py')
    model = cfg.model
    # Of what the tree is made does not matter here, only that there is one.
    if isinstance(model.get('tree'), dict):
        classes = range(model.num_classes)
        model.tree = dict(
            levels=['class', 'cluster'],
            classes=[[str(c) for c in classes], ['even', 'odd']],
            parents=[[c % 2 for c in classes]],
        )
    model.backbone.pop('init_cfg', None)
    model.update(values)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        return MODELS.build(model).eval()


def gpu_is_missing(row: int) -> bool:
    """Say so where a row of the table is about a GPU and there is none."""
    if torch.cuda.is_available():
        return False
    print(f'row {row}: no GPU here')
    return True
