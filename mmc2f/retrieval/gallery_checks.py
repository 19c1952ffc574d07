"""What a gallery demands of its content, with errors that name the image."""

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

__all__ = [
    'check_embeddings',
    'check_image_ids',
    'check_labels',
    'describe_fingerprint_difference',
    'name_some',
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


def describe_fingerprint_difference(
    actual: Mapping[str, str], expected: Mapping[str, str]
) -> str:
    """What differs, with the first digits of both; '' when nothing does."""
    differences = []
    for key in dict.fromkeys([*expected, *actual]):
        is_value, should_value = actual.get(key), expected.get(key)
        if is_value != should_value:
            differences.append(
                f'{key} (gallery {_short(is_value)}, model '
                f'{_short(should_value)})'
            )
    if not differences:
        return ''
    verb = 'differs' if len(differences) == 1 else 'differ'
    return f'{", ".join(differences)} {verb}'


def _short(digest: str | None) -> str:
    return 'unknown' if digest is None else digest[:_DIGITS]
