"""A gallery whose rows are shared out among the processes of a group."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.dist import (
    all_gather_object,
    barrier,
    get_rank,
    get_world_size,
    is_main_process,
)
from torch import Tensor

from mmc2f.registry import TASK_UTILS
from mmc2f.retrieval.gallery_checks import (
    check_embeddings,
    check_is_filled,
    check_labels,
)
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.gallery_file import read_gallery, write_gallery
from mmc2f.retrieval.gallery_head import head_content, write_head
from mmc2f.retrieval.headed_gallery import HeadedGallery
from mmc2f.retrieval.process_shards import ProcessShards
from mmc2f.retrieval.whitening import normalize_parts

__all__ = ['ShardedGallery']


@TASK_UTILS.register_module()
class ShardedGallery(HeadedGallery):
    """A :class:`Gallery` whose rows are shared out among processes.

    Each process of the group holds the embeddings of its share of the
    images, and an index of them; labels and image ids are in every process.
    A search is one of all processes, see
    :class:`~mmc2f.retrieval.process_shards.ProcessShards`. While
    :func:`build_gallery` fills it, embeddings do not leave the process that
    made them.

    :meth:`save` writes a part for each process, ``NAME-00000-of-00002``,
    a gallery file of its own, and under the name that it is given a head
    with what holds for all. Any number of processes loads them, one alone
    too; of the file of a plain gallery each keeps its share.

    Args:
        index, chunk_size: As for :class:`Gallery`, of the share of each
            process.
        whiten: Only of a gallery that is loaded, or filled in one process:
            a whitening is fitted on all rows.
        split_parts: As for :class:`Gallery`.
    """

    is_shared = True
    kind = 'mmc2f.sharded_gallery'
    _index: ProcessShards

    def __init__(
        self,
        index: str | Mapping | None = None,
        chunk_size: int = 8192,
        whiten: str | None = None,
        split_parts: bool | None = None,
    ) -> None:
        super().__init__(index, chunk_size, whiten, split_parts)
        self._index = ProcessShards(self._index)

    def fill_shares(
        self,
        embeddings: Tensor,
        owner: Tensor,
        labels: Tensor,
        image_ids: Sequence[str],
        fingerprint: Mapping[str, str],
        class_names: Sequence[str] | None = None,
        parts: Sequence[int] | None = None,
    ) -> None:
        """As :meth:`fill`, in all processes, each with its own embeddings.

        Args:
            embeddings: Of the n images of this process, ``(n, D)``, in their
                order; D may be 0 where there are none.
            owner: Rank that has each of all images, ``(N,)``.
            labels, image_ids, fingerprint, class_names, parts: As for
                :meth:`fill`, of all images.

        Raises:
            ValueError: As :meth:`fill`, or a whitening is to be fitted.
        """
        if self.whiten is not None and get_world_size() > 1:
            raise ValueError(
                'A gallery that is shared out is not whitened while it is '
                'filled, since a whitening is fitted on all rows: build a '
                'plain gallery of a part of the images to see what it brings.'
            )
        if self.whiten is not None:
            self.fill(
                *(embeddings, labels, image_ids, fingerprint),
                class_names=class_names,
                parts=parts,
            )
            return
        image_ids = list(image_ids)
        own = (owner == get_rank()).nonzero().flatten()
        embeddings = _as_long_as_others(embeddings)
        check_embeddings(embeddings, [image_ids[i] for i in own.tolist()])
        num_classes = len(class_names or ()) or int(labels.max()) + 1
        check_labels(labels, image_ids, num_classes, class_names)
        parts = tuple(parts) if parts and self._splits_parts else None
        rows = normalize_parts(embeddings.detach().float(), parts).cpu()
        content = GalleryContent(
            rows,
            labels.long(),
            image_ids,
            dict(fingerprint),
            num_classes,
            None if class_names is None else list(class_names),
            parts,
        )
        self._share(content, owner)

    def save(self, path: str | os.PathLike) -> None:
        """Write the parts, then the head that names them, in all processes.

        Raises:
            RuntimeError: The gallery is empty.
        """
        check_is_filled(self.embeddings)
        owner, rows = self._index.owner, self._index.rows
        own = (owner == get_rank()).nonzero().flatten()
        content = self._content()
        digest = None
        if len(own):
            digest = write_gallery(
                _part(path, get_rank(), get_world_size()),
                replace(
                    content,
                    embeddings=rows,
                    labels=self.labels[own],
                    image_ids=[self.image_ids[i] for i in own.tolist()],
                ),
            )
        digests = all_gather_object(digest)
        if is_main_process():
            write_head(
                *(path, self.kind, content, {'owner': owner}),
                {'digests': json.dumps(digests)},
            )
        # Who comes first must not look for a head that is not there yet.
        barrier()

    def _read(
        self,
        path: Path,
        tensors: Mapping[str, Tensor],
        metadata: Mapping[str, str],
    ) -> tuple[GalleryContent, Callable[[], None]]:
        content, owner = _read_shares(path, tensors, metadata)
        return content, lambda: self._share(content, owner)

    def _set(self, content: GalleryContent, warns: bool = True) -> None:
        """Keep the share of this process of what each process has."""
        count, world_size = len(content.labels), get_world_size()
        owner = torch.arange(count, dtype=torch.int32) % world_size
        rows = content.embeddings[owner == get_rank()].clone()
        self._share(replace(content, embeddings=rows), owner, warns)

    def _share(
        self, content: GalleryContent, owner: Tensor, warns: bool = True
    ) -> None:
        """Take content whose embeddings are those of this process alone."""
        self._index.owner = owner.int()
        # The base hands the index its embeddings, which have no values.
        self._index.rows = content.embeddings
        self._keep(content, _class_means(content, owner), warns)


def _class_means(content: GalleryContent, owner: Tensor) -> GalleryContent:
    """As :meth:`GalleryContent.prototypes`, from the rows of all processes."""
    rows = content.embeddings.double()
    own = content.labels[owner == get_rank()]
    sums = rows.new_zeros(content.num_classes, rows.shape[1])
    sums.index_add_(0, own, rows)
    # In doubles, so that how the rows are shared out is below the last digit.
    whole = torch.stack(all_gather_object(sums)).sum(dim=0)
    present = content.labels.unique()
    names = content.class_names or range(content.num_classes)
    return replace(
        content,
        embeddings=F.normalize(whole[present]).float(),
        labels=present,
        image_ids=[str(names[c]) for c in present.tolist()],
    )


def _read_shares(
    head: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> tuple[GalleryContent, Tensor]:
    """Content with the embeddings of this process, and who owns which row."""
    written_by, labels = tensors['owner'], tensors['labels']
    digests = json.loads(metadata['digests'])
    rank, world_size = get_rank(), get_world_size()
    found: list[tuple[Tensor, Tensor]] = []
    names: dict[int, str] = {}
    for number in range(rank, len(digests), world_size):
        if digests[number] is None:
            continue
        place = (written_by == number).nonzero().flatten()
        part = _part(head, number, len(digests))
        content = read_gallery(part, digests[number])
        found.append((place, content.embeddings))
        names |= zip(place.tolist(), content.image_ids, strict=True)
    everyone: dict[int, str] = {}
    for share in all_gather_object(names):
        everyone |= share
    places, rows = labels.new_empty(0), torch.empty(0, 0)
    if found:
        places, rows = map(torch.cat, zip(*found, strict=True))
    content = head_content(
        tensors,
        metadata,
        # Ascending, as rows of equal similarity are to be found.
        _as_long_as_others(rows[places.argsort()]),
        [everyone[i] for i in range(len(labels))],
    )
    return content, written_by % world_size


def _as_long_as_others(rows: Tensor) -> Tensor:
    """Rows ``(n, D)``; where there are none, D is that of the others."""
    dims = max(all_gather_object(rows.shape[1]))
    return rows if len(rows) else rows.new_empty(0, dims)


def _part(path: str | os.PathLike, number: int, count: int) -> Path:
    path = Path(path)
    return path.with_name(
        f'{path.stem}-{number:05d}-of-{count:05d}{path.suffix}'
    )
