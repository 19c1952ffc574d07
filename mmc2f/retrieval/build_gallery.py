"""Fill a gallery with the embeddings of a data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmengine.dist import all_gather_object, is_main_process
from mmengine.structures import BaseDataElement
from torch import nn
from torch.utils.data import DataLoader

from mmc2f.model_state import evaluation_mode, unwrap_model
from mmc2f.retrieval.gallery import Gallery

__all__ = ['build_gallery']

# Embedding, label, image path.
_Row = tuple[torch.Tensor, int, str | None]


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
            ``embedding`` and ``gt_label``. Its ``embedding_parts``, where it
            has any, are the lengths of the parts that an embedding joins.
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
    if not len(dataset):
        raise ValueError(
            'The gallery would be empty: its data set has no image. Look at '
            'the train annotation and data_root.'
        )
    rows: list[_Row] = []
    with evaluation_mode(model), torch.no_grad():
        for batch in track(
            dataloader,
            description='gallery',
            total=len(dataloader),
            disable=not is_main_process(),
        ):
            for sample in model.test_step(batch):
                rows.append(_read_row(sample, len(rows)))

    rows = _in_dataset_order(all_gather_object(rows))[: len(dataset)]
    root = getattr(dataset, 'data_root', None)
    class_names = getattr(dataset, 'metainfo', {}).get('classes')
    embeddings, labels, paths = zip(*rows, strict=True)
    gallery.fill(
        torch.stack(embeddings),
        torch.tensor(labels),
        [_image_id(path, root, i) for i, path in enumerate(paths)],
        fingerprint,
        class_names=class_names,
        parts=embedding_parts(model),
    )
    return gallery


def embedding_parts(model: nn.Module) -> tuple[int, ...] | None:
    """Lengths of the parts of an embedding, where the model tells them."""
    parts = getattr(unwrap_model(model), 'embedding_parts', None)
    return None if parts is None else tuple(parts)


def _read_row(sample: BaseDataElement, position: int) -> _Row:
    path = sample.get('img_path')
    for name in ('embedding', 'gt_label'):
        if name not in sample:
            raise ValueError(
                f'{path or f"Image {position}"} has no {name}: the gallery '
                'needs a model that gives embeddings, such as mmc2f.CCFR, '
                'and labelled images.'
            )
    return sample.embedding.float().cpu(), int(sample.gt_label), path


def _image_id(path: str | None, root: str | None, place: int) -> str:
    """The path under the data root, so that the data may move."""
    if path is None:
        return f'image {place}'
    absolute, root = Path(path).absolute(), Path(root or '').absolute()
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return str(path)


def _in_dataset_order(shares: Sequence[list[_Row]]) -> list[_Row]:
    """Undo a distributed sampler: rank r holds images r, r + world, ..."""
    world_size = len(shares)
    rows = {
        rank + world_size * position: row
        for rank, share in enumerate(shares)
        for position, row in enumerate(share)
    }
    return [rows[place] for place in sorted(rows)]
