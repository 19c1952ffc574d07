"""A transform that draws from every generator that a transform may use."""

import random

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module(force=True)
class RandomShift(BaseTransform):
    """Adds a random number to each colour, and rarely drops the sample."""

    def transform(self, results: dict) -> dict | None:
        if random.random() < 0.05:
            # The data set then draws another one.
            return None
        shift = (
            random.randrange(-20, 20),
            np.random.randint(-20, 20),  # noqa: NPY002 (as hosts' transforms)
            int(torch.randint(-20, 20, ())),
        )
        image = results['img'].astype(np.int64) + np.array(shift)
        results['img'] = image.clip(0, 255).astype(np.uint8)
        return results
