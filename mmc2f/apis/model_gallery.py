"""The gallery of a trained model: built, and added to, without a training."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmengine.model import BaseModel
from torch import Tensor

from mmc2f.apis.complete_dataloaders import complete_dataloaders
from mmc2f.apis.image_inputs import find_images
from mmc2f.apis.load_model import gallery_options, rerank_hook
from mmc2f.datasets.train_loader_in_test_mode import (
    train_loader_in_test_mode,
)
from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval import Gallery, build_gallery, run_fingerprint

if TYPE_CHECKING:
    from mmc2f.apis.inferencer import C2FInferencer

__all__ = ['build_model_gallery', 'embed_files']


def build_model_gallery(
    model: BaseModel, checkpoint: str | None = None
) -> Gallery:
    """Embed the training images of a model's config, as its test would.

    Args:
        model: Of :func:`mmc2f.apis.load_model.load_model`, on its device.
        checkpoint: Beside which tuned parameters are looked for.

    Raises:
        FileNotFoundError: The training images are not there.
        ValueError: The model embeds no images, or the config names none.
    """
    if not hasattr(model, 'attach_reranker'):
        raise ValueError(
            'a gallery needs a model that embeds images, such as mmc2f.CCFR; '
            f'{type(model).__name__} does not'
        )
    cfg = model._config.copy()
    complete_dataloaders(cfg)
    hook = rerank_hook(cfg)
    loader = train_loader_in_test_mode(cfg, hook.get('gallery_part'))
    made_by = run_fingerprint(cfg, model, loader.dataset)
    _, options = gallery_options(cfg, checkpoint, made_by['weights'])
    options.setdefault('type', 'mmc2f.Gallery')
    return build_gallery(model, loader, TASK_UTILS.build(options), made_by)


def embed_files(
    inferencer: 'C2FInferencer', images: Sequence[str], batch_size: int = 1
) -> tuple[Tensor, list[str]]:
    """Embeddings of image files, all or none.

    Args:
        inferencer: Of the model, without a gallery.
        images: Files, folders or patterns, as the inferencer takes them.
        batch_size: Images that the model sees at a time.

    Returns:
        Embeddings ``(N, D)`` as the model gives them, and the absolute path
        of each image.

    Raises:
        ValueError: A file cannot be read, or the model embeds no images.
    """
    import torch

    inputs = list(find_images(images))
    answers = inferencer(
        [image.name for image in inputs if image.error is None],
        return_datasamples=True,
        batch_size=batch_size,
    )
    errors = [image.error for image in inputs if image.error is not None]
    errors += [a['error'] for a in answers if isinstance(a, dict)]
    if errors:
        more = f', and {len(errors) - 1} more' if len(errors) > 1 else ''
        raise ValueError(f'nothing was added: {errors[0]}{more}')
    if any('embedding' not in answer for answer in answers):
        raise ValueError(
            'a gallery needs a model that embeds images, such as mmc2f.CCFR'
        )
    rows = torch.stack([answer.embedding.float().cpu() for answer in answers])
    return rows, [os.path.abspath(image.name) for image in inputs]
