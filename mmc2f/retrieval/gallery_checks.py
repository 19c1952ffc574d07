"""What a gallery demands of its content, with errors that name the image."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmc2f.retrieval.whitening import parse_whiten

if TYPE_CHECKING:
    from mmc2f.retrieval.gallery_content import GalleryContent

__all__ = [
    'check_content',
    'check_embeddings',
    'check_fingerprint',
    'check_image_ids',
    'check_is_filled',
    'check_labels',
    'check_lengths',
    'check_queries',
    'name_some',
    'warn_of_missing_classes',
]

_NAMED_AT_MOST = 5
_DIGITS = 12
# Rounding of a row of unit length stays far below this.
_LENGTH_TOLERANCE = 1e-3


def name_some(names: Iterable) -> str:
    """The first few names, and how many more there are."""
    names = [str(name) for name in names]
    more = len(names) - _NAMED_AT_MOST
    listed = ', '.join(names[:_NAMED_AT_MOST])
    return f'{listed} and {more} more' if more > 0 else listed


def check_image_ids(
    embeddings: Tensor, labels: Tensor, image_ids: Sequence[str]
) -> None:
    """There is an image, and one label and one id for each."""
    if embeddings.dim() != 2:
        raise ValueError(
            f'Embeddings must be (N, D), got {tuple(embeddings.shape)}.'
        )
    if not len(embeddings):
        raise ValueError(
            'The gallery would be empty: no image was given. Is the train '
            'set of the gallery empty?'
        )
    if labels.shape != (len(embeddings),) or len(image_ids) != len(embeddings):
        raise ValueError(
            f'{len(embeddings)} embeddings need as many labels and image '
            f'ids, got labels {tuple(labels.shape)} and {len(image_ids)} ids.'
        )


def check_embeddings(embeddings: Tensor, image_ids: Sequence[str]) -> None:
    """Every embedding is finite."""
    is_bad = ~embeddings.isfinite().all(dim=1)
    if is_bad.any():
        bad = [image_ids[i] for i in is_bad.nonzero().flatten().tolist()]
        raise ValueError(
            f'{len(bad)} of {len(embeddings)} embeddings hold NaN or '
            f'infinity: {name_some(bad)}. Look for diverged weights, or for '
            'damaged images.'
        )


def check_labels(
    labels: Tensor,
    image_ids: Sequence[str],
    num_classes: int,
    class_names: Sequence[str] | None,
) -> None:
    """Every label is one of the classes, and the names are as many."""
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            f'There are {len(class_names)} class names for {num_classes} '
            'classes.'
        )
    if labels.is_floating_point():
        raise ValueError(f'Labels are whole numbers, got {labels.dtype}.')
    is_bad = (labels < 0) | (labels >= num_classes)
    if is_bad.any():
        row = int(is_bad.nonzero()[0])
        raise ValueError(
            f'Image {image_ids[row]} has label {int(labels[row])}, but there '
            f'are {num_classes} classes.'
        )


def check_content(content: 'GalleryContent') -> None:
    """What a file gives is what filling a gallery would have made.

    Raises:
        ValueError: It is not; says of which image, class or field.
    """
    _check_fields(content)
    check_image_ids(content.embeddings, content.labels, content.image_ids)
    _check_dtypes(content)
    check_embeddings(content.embeddings, content.image_ids)
    check_lengths(content.embeddings, content.image_ids)
    check_labels(
        content.labels,
        content.image_ids,
        content.num_classes,
        content.class_names,
    )
    _check_transform(content)


def check_is_filled(embeddings: Tensor) -> None:
    """The gallery has an image."""
    if not len(embeddings):
        raise RuntimeError(
            'The gallery is empty: fill or load it before it is used.'
        )


def check_queries(queries: Tensor, embeddings: Tensor) -> None:
    """Queries can be compared with the embeddings of a gallery."""
    check_is_filled(embeddings)
    dims = embeddings.shape[1]
    if queries.dim() != 2 or queries.shape[1] != dims:
        raise ValueError(
            f'The gallery holds embeddings of {dims} dimensions, so queries '
            f'must be (B, {dims}), got {tuple(queries.shape)}.'
        )
    check_embeddings(queries, [f'query {b}' for b in range(len(queries))])


def check_fingerprint(
    actual: Mapping[str, str], expected: Mapping[str, str], what: str
) -> None:
    """A gallery was built with the model that is to use it."""
    differences = []
    for key in dict.fromkeys([*expected, *actual]):
        is_value, should_value = actual.get(key), expected.get(key)
        if is_value != should_value:
            differences.append(
                f'{key} (gallery {_short(key, is_value)}, model '
                f'{_short(key, should_value)})'
            )
    if differences:
        verb = 'differs' if len(differences) == 1 else 'differ'
        raise ValueError(
            f'{what} does not fit this model: {", ".join(differences)} '
            f'{verb}. Build it anew by leaving --gallery out, or use the '
            'model it was built with.'
        )


def warn_of_missing_classes(
    missing: Sequence[int],
    num_classes: int,
    class_names: Sequence[str] | None,
) -> None:
    """Name the classes that retrieval cannot speak for."""
    if missing:
        names = [class_names[c] if class_names else c for c in missing]
        print_log(
            f'{len(missing)} of {num_classes} classes have no gallery image, '
            f'so retrieval cannot speak for them: {name_some(names)}.',
            logger='current',
            level=logging.WARNING,
        )


def _check_fields(content: 'GalleryContent') -> None:
    """What was JSON has the types that it was written with."""
    names, parts = content.class_names, content.parts
    is_of_type = {
        'image_ids': _is_list_of(str, content.image_ids),
        'fingerprint': isinstance(content.fingerprint, dict)
        and _is_list_of(str, [*content.fingerprint.values()]),
        'num_classes': _is_list_of(int, [content.num_classes])
        and content.num_classes > 0,
        'class_names': names is None or _is_list_of(str, names),
        'parts': parts is None
        or (_is_list_of(int, parts) and min(parts, default=0) > 0),
        'num_added': _is_list_of(int, [content.num_added, content.num_classes])
        and 0 <= content.num_added < content.num_classes,
    }
    wrong = [name for name, is_right in is_of_type.items() if not is_right]
    if wrong:
        value = str(getattr(content, wrong[0]))
        raise ValueError(
            f'{wrong[0]} is not what a gallery has there, but {value:.60}.'
        )


def _is_list_of(kind: type, values: Any) -> bool:
    # True and False are integers to Python.
    is_list = isinstance(values, list | tuple)
    return is_list and all(type(value) is kind for value in values)


def _check_dtypes(content: 'GalleryContent') -> None:
    dtypes = {'embeddings': torch.float32, 'labels': torch.int64}
    for name, dtype in dtypes.items():
        actual = getattr(content, name).dtype
        if actual != dtype:
            raise ValueError(f'The {name} are {actual}, not {dtype}.')


def check_lengths(embeddings: Tensor, image_ids: Sequence[str]) -> None:
    """Rows have length 1, or 0 as that of an embedding of zeros."""
    lengths = embeddings.norm(dim=1)
    is_bad = (lengths - 1).abs() > _LENGTH_TOLERANCE
    is_bad &= lengths != 0
    if is_bad.any():
        bad = is_bad.nonzero().flatten().tolist()
        raise ValueError(
            f'{len(bad)} of {len(embeddings)} embeddings are not of length 1 '
            f'(the first has {float(lengths[bad[0]]):.4g}): '
            f'{name_some(image_ids[i] for i in bad)}.'
        )


def _check_transform(content: 'GalleryContent') -> None:
    """Parts and whitening fit the embeddings."""
    dims = content.embeddings.shape[1]
    whitening = content.whitening
    if whitening is not None:
        parse_whiten(whitening.kind)
        shapes = tuple(whitening.mean.shape), tuple(whitening.matrix.shape)
        if shapes != ((dims,), (dims, dims)):
            raise ValueError(
                f'Embeddings of {dims} dimensions cannot be whitened by a '
                f'mean {shapes[0]} and a matrix {shapes[1]}.'
            )
        for tensor in (whitening.mean, whitening.matrix):
            if tensor.dtype != torch.float32 or not tensor.isfinite().all():
                raise ValueError(
                    'The whitening is not finite, or not of float32.'
                )
    if content.parts is not None and sum(content.parts) != dims:
        raise ValueError(
            f'Parts of {content.parts} dimensions make {sum(content.parts)}, '
            f'but the embeddings have {dims}.'
        )


def _short(key: str, value: str | None) -> str:
    if value is None:
        return 'none' if key == 'whiten' else 'unknown'
    return value[:_DIGITS]
