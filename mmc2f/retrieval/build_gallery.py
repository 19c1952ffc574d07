"""Fill a gallery with the embeddings of a data set."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from mmengine.dist import all_gather_object, is_main_process
from torch import nn
from torch.utils.data import DataLoader

from .gallery import Gallery

__all__ = ['build_gallery']

# Embedding, label, image id.
_Row = tuple[torch.Tensor, int, str]


def build_gallery(
    model: nn.Module,
    dataloader: DataLoader,
    gallery: Gallery,
    fingerprint: Mapping[str, str],
) -> Gallery:
    """Embed a data set in test mode, and fill the gallery with it.

    Under distributed training each rank embeds its share, and every rank
    ends with the whole gallery in the order of the data set. Images that a
    distributed sampler repeats to even out the ranks are dropped. The model
    gets its training mode back.

    Args:
        model: Its ``test_step`` must return data samples that carry
            ``embedding`` and ``gt_label``.
        dataloader: Of the train set, unshuffled, with the test pipeline.
        gallery: Filled in place.
        fingerprint: See :func:`mmc2f.retrieval.fingerprint`.

    Returns:
        ``gallery``.

    Raises:
        ValueError: The data set is empty, an image has no label or no
            embedding, or an embedding is not finite.
    """
    from rich.progress import track

    dataset = dataloader.dataset
    root = getattr(dataset, 'data_root', '')
    rows: list[_Row] = []
    with _evaluating(model), torch.no_grad():
        for batch in track(
            dataloader,
            description='gallery',
            total=len(dataloader),
            disable=not is_main_process(),
        ):
            for sample in model.test_step(batch):
                rows.append(_read_row(sample, root, len(rows)))

    rows = _in_dataset_order(all_gather_object(rows))[: len(dataset)]
    if not rows:
        raise ValueError(
            'The gallery would be empty: its data set has no image. Look at '
            'the train annotation and data_root.'
        )
    class_names = getattr(dataset, 'metainfo', {}).get('classes')
    embeddings, labels, image_ids = zip(*rows, strict=True)
    gallery.fill(
        torch.stack(embeddings),
        torch.tensor(labels),
        image_ids,
        fingerprint,
        class_names=class_names,
    )
    return gallery


def _read_row(sample, root: str, position: int) -> _Row:
    path = sample.get('img_path')
    image_id = f'image {position}' if path is None else _relative(path, root)
    for name in ('embedding', 'gt_label'):
        if name not in sample:
            raise ValueError(
                f'{image_id} has no {name}: the gallery needs a model that '
                'gives embeddings, such as mmc2f.CCFR, and labelled images.'
            )
    embedding = sample.embedding.detach().float().cpu()
    return embedding, int(sample.gt_label), image_id


def _relative(path: str, root: str) -> str:
    """The path under the data root, so that data may move."""
    path, root = os.path.abspath(path), os.path.abspath(root or '')
    if os.path.commonpath([path, root]) == root:
        return os.path.relpath(path, root)
    return path


def _in_dataset_order(shares: Sequence[list[_Row]]) -> list[_Row]:
    """Undo a distributed sampler: rank r holds images r, r + world, ..."""
    world_size = len(shares)
    rows = {
        rank + world_size * position: row
        for rank, share in enumerate(shares)
        for position, row in enumerate(share)
    }
    return [rows[place] for place in sorted(rows)]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Test mode for a while; each module then gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
