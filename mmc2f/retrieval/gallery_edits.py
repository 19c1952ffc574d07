"""Images put into a gallery, or taken out, without any training."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches

import torch
from torch import Tensor

from mmc2f.retrieval.gallery_checks import (
    check_embeddings,
    check_image_ids,
    name_some,
)
from mmc2f.retrieval.gallery_content import GalleryContent
from mmc2f.retrieval.image_ids import hash_images

__all__ = ['with_images', 'without_images']


def with_images(
    content: GalleryContent,
    rows: Tensor,
    image_ids: Sequence[str],
    class_name: str,
    is_new: bool = False,
) -> GalleryContent:
    """A gallery with more images of one class, which may be a new one.

    Args:
        content: Of the gallery, which is not changed.
        rows: Embeddings of the images as the gallery compares them,
            ``(N, D)``.
        image_ids: N names that the gallery does not have yet.
        class_name: Of the images.
        is_new: Whether the class is to be a new one, which the model has no
            logit for. Its label follows after all others.

    Raises:
        ValueError: The class is not known and not said to be new, or the
            other way round; an image is there already; a row is not finite.
    """
    names = _class_names(content)
    if is_new and class_name in names:
        raise ValueError(
            f'the gallery has a class {class_name!r} already, so it is not new'
        )
    if not is_new and class_name not in names:
        like = get_close_matches(class_name, names, n=3)
        hint = f'; do you mean {" or ".join(like)}?' if like else ''
        raise ValueError(
            f'the gallery has no class {class_name!r}{hint or ";"} a class '
            'that the model was not trained on has to be said to be new '
            '(--new)'
        )
    ids = [str(image_id) for image_id in image_ids]
    label = len(names) if is_new else names.index(class_name)
    labels = torch.full((len(rows),), label)
    check_image_ids(rows, labels, ids)
    check_embeddings(rows, ids)
    known = set(content.image_ids)
    again = [name for i, name in enumerate(ids) if name in {*known, *ids[:i]}]
    if again:
        raise ValueError(
            f'{len(again)} images would be in the gallery twice: '
            f'{name_some(again)}'
        )
    return _of_images(
        replace(
            content,
            embeddings=torch.cat([content.embeddings, rows.float().cpu()]),
            labels=torch.cat([content.labels, labels]),
            image_ids=[*content.image_ids, *ids],
            num_classes=content.num_classes + is_new,
            class_names=[*names, class_name] if is_new else names,
            num_added=content.num_added + is_new,
        )
    )


def without_images(
    content: GalleryContent,
    image_ids: Collection[str] = (),
    class_names: Collection[str] = (),
) -> GalleryContent:
    """A gallery without some images, or without all of some classes.

    A class of the model stays a class, though without an image; one that
    only the gallery knows goes with its last image.

    Args:
        content: Of the gallery, which is not changed.
        image_ids: Names of images.
        class_names: Names of classes.

    Raises:
        ValueError: There is no such image or class, or no image is left.
    """
    names = _class_names(content) if class_names else []
    for what, asked, there in (
        ('image', image_ids, content.image_ids),
        ('class', class_names, names),
    ):
        missing = sorted({*asked} - {*there})
        if missing:
            raise ValueError(f'the gallery has no {what} {name_some(missing)}')
    labels = {names.index(name) for name in class_names}
    kept = [
        row
        for row, (name, label) in enumerate(
            zip(content.image_ids, content.labels.tolist(), strict=True)
        )
        if name not in image_ids and label not in labels
    ]
    if not kept:
        raise ValueError('no image would be left in the gallery')
    rows = torch.tensor(kept)
    return _of_images(
        _without_empty_added_classes(
            replace(
                content,
                embeddings=content.embeddings[rows],
                labels=content.labels[rows],
                image_ids=[content.image_ids[row] for row in kept],
            )
        )
    )


def _class_names(content: GalleryContent) -> list[str]:
    if content.class_names is None:
        raise ValueError(
            'the classes of this gallery have no names: build it anew with a '
            'data set that has them'
        )
    return content.class_names


def _without_empty_added_classes(content: GalleryContent) -> GalleryContent:
    """Only classes of the model may be without an image."""
    first = content.num_classes - content.num_added
    empty = [c for c in content.missing_classes if c >= first]
    if not empty:
        return content
    kept = [c for c in range(content.num_classes) if c not in empty]
    new_labels = torch.full((content.num_classes,), -1)
    new_labels[kept] = torch.arange(len(kept))
    names = content.class_names
    return replace(
        content,
        labels=new_labels[content.labels],
        num_classes=len(kept),
        class_names=None if names is None else [names[c] for c in kept],
        num_added=content.num_added - len(empty),
    )


def _of_images(content: GalleryContent) -> GalleryContent:
    """With the fingerprint of the images that are in it.

    One that does not tell the images is of an older gallery; its ids and
    labels are compared where they have to be.
    """
    made_by = dict(content.fingerprint)
    # Of the files as they were, not of those that came or went.
    made_by.pop('image_files', None)
    if 'images' in made_by:
        labels = content.labels.tolist()
        made_by['images'] = hash_images(content.image_ids, labels)
    return replace(content, fingerprint=made_by)
