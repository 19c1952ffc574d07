"""What a gallery demands of its content, with errors that name the image."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from mmengine.logging import print_log
from torch import Tensor

__all__ = [
    'check_embeddings',
    'check_fingerprint',
    'check_image_ids',
    'check_is_filled',
    'check_labels',
    'check_queries',
    'name_some',
    'warn_of_missing_classes',
]

_NAMED_AT_MOST = 5
_DIGITS = 12


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
    is_bad = (labels < 0) | (labels >= num_classes)
    if is_bad.any():
        row = int(is_bad.nonzero()[0])
        raise ValueError(
            f'Image {image_ids[row]} has label {int(labels[row])}, but there '
            f'are {num_classes} classes.'
        )


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


def _short(key: str, value: str | None) -> str:
    if value is None:
        return 'none' if key == 'whiten' else 'unknown'
    return value[:_DIGITS]
