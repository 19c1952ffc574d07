"""Embed a data set, and fill a gallery with it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, get_rank, is_main_process
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch.utils.data import DataLoader

from mmc2f.model_state import evaluation_mode, unwrap_model
from mmc2f.retrieval.embedded_images import EmbeddedImages
from mmc2f.retrieval.gallery import Gallery
from mmc2f.retrieval.image_ids import image_id
from mmc2f.retrieval.sharded_gallery import ShardedGallery

__all__ = ['build_gallery', 'embed_images']

_NONE = torch.empty(0, 0)


class _Row(NamedTuple):
    embedding: torch.Tensor
    label: int
    probs: torch.Tensor | None
    path: str | None
    view: str | None
    level: int
    global_probs: torch.Tensor | None


def build_gallery(
    model: BaseModel,
    dataloader: DataLoader,
    gallery: Gallery,
    fingerprint: Mapping[str, str],
) -> Gallery:
    """Embed a data set in test mode, and fill the gallery with it.

    Args:
        model: As in :func:`embed_images`.
        dataloader: Of the train set, unshuffled, with the test pipeline.
        gallery: Filled in place.
        fingerprint: See :func:`mmc2f.retrieval.fingerprint`.

    Returns:
        ``gallery``.

    Raises:
        ValueError: The data set is empty, an image has no label or no
            embedding, or an embedding is not finite.
    """
    if not isinstance(gallery, ShardedGallery):
        embed_images(model, dataloader, fingerprint).fill(gallery)
        return gallery
    dataset: Any = dataloader.dataset
    own = _embed_share(model, dataloader, 'gallery')
    # Embeddings stay where they were made.
    told = [
        row._replace(embedding=_NONE, probs=None, global_probs=None)
        for row in own
    ]
    shares = all_gather_object(told)
    places = _kept_places(shares, len(dataset))
    rows = [shares[rank][at] for rank, at in places]
    kept = [own[at].embedding for rank, at in places if rank == get_rank()]
    gallery.fill_shares(
        torch.stack(kept) if kept else _NONE,
        torch.tensor([rank for rank, _ in places]),
        torch.tensor([row.label for row in rows]),
        _image_ids(rows, dataset),
        fingerprint,
        class_names=_class_names(dataset),
        parts=embedding_parts(model),
    )
    return gallery


def embed_images(
    model: BaseModel,
    dataloader: DataLoader,
    fingerprint: Mapping[str, str],
    title: str = 'gallery',
) -> EmbeddedImages:
    """Embed a data set in test mode.

    Under distributed training each rank embeds its share, and every rank
    ends with all images in the order of the data set. Images that a
    distributed sampler repeats to even out the ranks are dropped. The model
    gets its training mode back. Of images in several views the first one at
    the finest level counts.

    Args:
        model: Its ``test_step`` must return data samples that carry
            ``embedding`` and ``gt_label``, and may carry ``coarse_score``
            and ``global_score``.
            Its ``embedding_parts``, where it has any, are the lengths of the
            parts that an embedding joins.
        dataloader: Unshuffled.
        fingerprint: See :func:`mmc2f.retrieval.fingerprint`.
        title: Of the progress bar.

    Raises:
        ValueError: The data set is empty, or an image has no label or no
            embedding.
    """
    dataset: BaseDataset = dataloader.dataset
    shares = all_gather_object(_embed_share(model, dataloader, title))
    rows = [
        shares[rank][at] for rank, at in _kept_places(shares, len(dataset))
    ]
    probs, of_global = zip(
        *((row.probs, row.global_probs) for row in rows), strict=True
    )
    return EmbeddedImages(
        torch.stack([row.embedding for row in rows]),
        torch.tensor([row.label for row in rows]),
        None if probs[0] is None else torch.stack(probs),
        _image_ids(rows, dataset),
        _class_names(dataset),
        embedding_parts(model),
        dict(fingerprint),
        None if of_global[0] is None else torch.stack(of_global),
    )


def embedding_parts(model: BaseModel) -> list[int] | None:
    """Lengths of the parts of an embedding, where the model tells them."""
    parts = getattr(unwrap_model(model), 'embedding_parts', None)
    return None if parts is None else list(parts)


def _embed_share(
    model: BaseModel, dataloader: DataLoader, title: str
) -> list[_Row]:
    """What the loader of this process gives, in test mode."""
    from rich.progress import track

    dataset: Any = dataloader.dataset
    if not len(dataset):
        raise ValueError(
            'The gallery would be empty: its data set has no image. Look at '
            'the train annotation and data_root.'
        )
    rows: list[_Row] = []
    with evaluation_mode(model), torch.no_grad():
        for batch in track(
            dataloader,
            description=title,
            total=len(dataloader),
            disable=not is_main_process(),
        ):
            for sample in model.test_step(batch):
                rows.append(_read_row(sample, len(rows)))
    return rows


def _read_row(sample: BaseDataElement, position: int) -> _Row:
    path = sample.get('img_path')
    for name in ('embedding', 'gt_label'):
        if name not in sample:
            raise ValueError(
                f'{path or f"Image {position}"} has no {name}: the gallery '
                'needs a model that gives embeddings, such as mmc2f.CCFR, '
                'and labelled images.'
            )
    probs, of_global = (
        None if scores is None else scores.float().cpu()
        for scores in map(sample.get, ('coarse_score', 'global_score'))
    )
    return _Row(
        sample.embedding.float().cpu(),
        int(sample.gt_label),
        probs,
        path,
        sample.get('view'),
        int(sample.get('level', 0)),
        of_global,
    )


def _kept_places(
    shares: Sequence[Sequence[_Row]], count: int
) -> list[tuple[int, int]]:
    """Rank and place in its share of each image that counts, in order.

    Undoes a distributed sampler: rank r holds images r, r + world, ...

    Args:
        shares: Of each rank.
        count: Images in the data set; what a sampler repeats comes after.
    """
    world_size = len(shares)
    in_order = sorted(
        (rank + world_size * at, rank, at)
        for rank, share in enumerate(shares)
        for at in range(len(share))
    )
    places = [(rank, at) for _, rank, at in in_order[:count]]
    places = [(r, at) for r, at in places if shares[r][at].level == 0]
    if not places:
        raise ValueError('No image is at the finest level of the tree.')
    rank, at = places[0]
    view = shares[rank][at].view
    return [(r, at) for r, at in places if shares[r][at].view == view]


def _image_ids(rows: Sequence[_Row], dataset: BaseDataset) -> list[str]:
    root = getattr(dataset, 'data_root', None)
    return [image_id(row.path, root, i) for i, row in enumerate(rows)]


def _class_names(dataset: BaseDataset) -> list[str] | None:
    names = getattr(dataset, 'metainfo', {}).get('classes')
    return None if names is None else list(names)
