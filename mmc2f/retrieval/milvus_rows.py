"""Rows of a gallery as a collection of Milvus: written, checked, searched."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmc2f.retrieval.gallery_checks import check_embeddings, check_lengths
from mmc2f.retrieval.nearest_first import search_past_ties

__all__ = ['MilvusRows', 'Rows', 'digest_rows']

#: The most neighbours that a server of Milvus finds.
WIDEST = 16384
# Numbers of an embedding that travel in one message, which has its limit.
_NUMBERS_AT_A_TIME = 2**21
_ID_BYTES = 65535


class Rows(NamedTuple):
    """Some rows of a gallery.

    Attributes:
        embeddings: As they are compared, ``(n, D)`` float32.
        labels: ``(n,)`` int64.
        image_ids: n names.
    """

    embeddings: Tensor
    labels: Tensor
    image_ids: list[str]


def digest_rows(chunks: Iterator[Rows]) -> str:
    """SHA-256 in hex of rows in their order, however they are cut."""
    digests = [hashlib.sha256() for _ in Rows._fields]
    for embeddings, labels, image_ids in chunks:
        digests[0].update(embeddings.contiguous().numpy().tobytes())
        digests[1].update(labels.contiguous().numpy().tobytes())
        for name in image_ids:
            digests[2].update(_text(name).encode() + b'\0')
    joined = b''.join(digest.digest() for digest in digests)
    return hashlib.sha256(joined).hexdigest()


class MilvusRows(Sequence[str]):
    """The index of a gallery, and the sequence of its image ids.

    The collection has the fields ``row`` (the key), ``embedding``, ``label``
    and ``image_id``. Its name ends with the digest of its content, so that
    another gallery never takes its place, and it counts as written once it
    has all rows.

    Args:
        uri: A file that ends in ``.db`` for the embedded milvus-lite, which
            one process at a time may open; or the address of a server,
            ``http://localhost:19530``.
        collection: What the name of the collection begins with.
        index_type: Of Milvus: ``'FLAT'`` is exact.
        index_params: For building it, such as ``dict(nlist=1024)``.
        search_params: For searching it, such as ``dict(nprobe=16)``.
        token: For a server that asks who one is.

    Raises:
        ImportError: pymilvus is not installed.
        ConnectionError: Nothing answers at the address.
    """

    def __init__(
        self,
        uri: str,
        collection: str = 'gallery',
        index_type: str = 'FLAT',
        index_params: Mapping[str, Any] | None = None,
        search_params: Mapping[str, Any] | None = None,
        token: str = '',
    ) -> None:
        self.uri = uri
        self.collection = collection
        self.index_type = index_type
        self.index_params = dict(index_params or {})
        self.search_params = dict(search_params or {})
        self.digest = ''
        self._size = 0
        self._names: dict[int, str] = {}
        with _errors(uri):
            self._client = _pymilvus().MilvusClient(uri, token=token)

    @property
    def name(self) -> str:
        """Of the collection in Milvus."""
        return f'{self.collection}_{self.digest[:16]}'

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, row: Any) -> Any:
        """Image id of a row; of the last search they are at hand."""
        if row not in self._names:
            self._names[row] = self._query(row, row + 1)[0]['image_id']
        return self._names[row]

    def build(self, embeddings: Tensor) -> None:
        """Nothing: :meth:`write` or :meth:`open` has been called."""

    def write(self, rows: Rows) -> None:
        """Have a collection of these rows, unless it is there already."""
        self.digest = digest_rows(iter([rows]))
        self._size = len(rows.labels)
        with _errors(self.uri):
            if self._count() == self._size:
                return
            if self._client.has_collection(self.name):
                # Of a run that was killed while it wrote.
                self._client.drop_collection(self.name)
            self._create(rows.embeddings.shape[1])
            for start in range(0, self._size, _chunk(rows)):
                self._insert(rows, start, start + _chunk(rows))
            self._client.flush(self.name)

    def open(self, digest: str, labels: Tensor, dims: int, verify: bool):
        """Take a collection that was written before, and check it.

        Args:
            digest: Of the rows.
            labels: Of the rows, ``(N,)``.
            dims: D.
            verify: Read all rows, and compare digest and labels. Else they
                are counted only.

        Raises:
            ValueError: It is not there, or not what was written.
        """
        self.digest, self._size = digest, len(labels)
        with _errors(self.uri):
            count = self._count()
        if count != self._size:
            raise ValueError(
                f'{self._place()} has {count or 0} of {self._size} rows: '
                'write the gallery there anew.'
            )
        if verify and digest_rows(self._checked(labels, dims)) != digest:
            raise ValueError(
                f'{self._place()} is damaged. Its digest is not that of its '
                'content: ids, labels or embeddings were changed after it '
                'was written. Build the gallery anew.'
            )

    def search(self, queries: Tensor, topm: int) -> tuple[Tensor, Tensor]:
        """Find the rows of greatest inner product.

        Args:
            queries: ``(B, D)`` float32, finite.
            topm: How many to find, at most N.

        Returns:
            Similarities and gallery indices, each ``(B, topm)``, best first,
            on the device of the queries; index -1 and similarity -inf where
            an approximate index finds fewer.

        Raises:
            ValueError: ``topm`` is more than a server finds.
        """
        if topm > WIDEST:
            raise ValueError(f'Milvus finds {WIDEST} neighbours, not {topm}.')
        vectors = queries.cpu().tolist()
        self._names = {}
        # Milvus cuts ties at will.
        similarities, indices = search_past_ties(
            lambda width: self._search(vectors, width),
            topm,
            self._size,
            WIDEST,
        )
        return similarities.to(queries.device), indices.to(queries.device)

    def close(self) -> None:
        """Leave the collection to others."""
        self._client.close()

    def _search(
        self, vectors: list[list[float]], width: int
    ) -> tuple[Tensor, Tensor]:
        with _errors(self.uri):
            found = self._client.search(
                self.name,
                data=vectors,
                limit=width,
                output_fields=['image_id'],
                search_params=dict(
                    metric_type='IP', params=self.search_params
                ),
                consistency_level='Strong',
            )
        similarities = torch.full((len(vectors), width), -torch.inf)
        indices = torch.full((len(vectors), width), -1)
        for query, hits in enumerate(found):
            for place, hit in enumerate(hits):
                similarities[query, place] = hit['distance']
                indices[query, place] = hit['row']
                self._names[hit['row']] = hit['entity']['image_id']
        return similarities, indices

    def _count(self) -> int | None:
        if not self._client.has_collection(self.name):
            return None
        (answer,) = self._client.query(
            self.name,
            output_fields=['count(*)'],
            consistency_level='Strong',
        )
        return answer['count(*)']

    def _create(self, dims: int) -> None:
        kinds = _pymilvus().DataType
        schema = self._client.create_schema(
            auto_id=False, enable_dynamic_field=False
        )
        schema.add_field('row', kinds.INT64, is_primary=True)
        schema.add_field('embedding', kinds.FLOAT_VECTOR, dim=dims)
        schema.add_field('label', kinds.INT64)
        schema.add_field('image_id', kinds.VARCHAR, max_length=_ID_BYTES)
        index = self._client.prepare_index_params()
        index.add_index(
            'embedding',
            index_type=self.index_type,
            metric_type='IP',
            params=self.index_params,
        )
        self._client.create_collection(
            self.name, schema=schema, index_params=index
        )

    def _insert(self, rows: Rows, start: int, stop: int) -> None:
        records = zip(
            rows.embeddings[start:stop].tolist(),
            rows.labels[start:stop].tolist(),
            rows.image_ids[start:stop],
            strict=True,
        )
        self._client.insert(
            self.name,
            [
                dict(row=row, embedding=e, label=c, image_id=_text(name))
                for row, (e, c, name) in enumerate(records, start=start)
            ],
        )

    def _query(self, start: int, stop: int) -> list[dict[str, Any]]:
        with _errors(self.uri):
            found = self._client.query(
                self.name,
                filter=f'row >= {start} and row < {stop}',
                output_fields=['row', 'embedding', 'label', 'image_id'],
                consistency_level='Strong',
            )
        return sorted(found, key=lambda record: record['row'])

    def _checked(self, labels: Tensor, dims: int) -> Iterator[Rows]:
        """All rows in order, each checked as those of a file are."""
        step = min(1000, max(1, _NUMBERS_AT_A_TIME // dims))
        for start in range(0, self._size, step):
            stop = min(start + step, self._size)
            found = self._query(start, stop)
            expected = list(range(start, stop))
            if [record['row'] for record in found] != expected:
                raise ValueError(f'{self._place()} lacks a row.')
            rows = Rows(
                torch.tensor([record['embedding'] for record in found]),
                torch.tensor([record['label'] for record in found]),
                [record['image_id'] for record in found],
            )
            self._check(rows, labels[start:stop])
            yield rows

    def _check(self, rows: Rows, labels: Tensor) -> None:
        try:
            check_embeddings(rows.embeddings, rows.image_ids)
            check_lengths(rows.embeddings, rows.image_ids)
            differ = (rows.labels != labels).nonzero().flatten().tolist()
            if differ:
                raise ValueError(
                    f'Image {rows.image_ids[differ[0]]} has label '
                    f'{int(rows.labels[differ[0]])}, but had '
                    f'{int(labels[differ[0]])} when it was written.'
                )
        except ValueError as error:
            raise ValueError(
                f'{self._place()} is damaged. {error} Build the gallery anew.'
            ) from error

    def _place(self) -> str:
        return f'Collection {self.name} of {self.uri}'


def _chunk(rows: Rows) -> int:
    return min(1000, max(1, _NUMBERS_AT_A_TIME // rows.embeddings.shape[1]))


def _text(name: str) -> str:
    """A name in UTF-8, which Milvus asks for."""
    return name.encode('utf-8', 'backslashreplace').decode()


def _pymilvus():
    try:
        import pymilvus
    except ImportError as error:
        raise ImportError(
            'MilvusGallery needs pymilvus: run "pip install \'mmc2f[scale]\'"'
        ) from error
    return pymilvus


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    """Errors of Milvus in a sentence with its place."""
    try:
        yield
    except _pymilvus().MilvusException as error:
        raise ConnectionError(f'Milvus at {uri}: {error.message}') from error
