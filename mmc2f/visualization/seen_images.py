"""Pictures from what a validation has seen, without a pass of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mmc2f.retrieval.chosen_predictions import in_first_view, is_mended
from mmc2f.structures import LabelTree
from mmc2f.visualization.confusion_picture import confusion_picture
from mmc2f.visualization.contact_sheet import contact_sheet
from mmc2f.visualization.draw_record import draw_record
from mmc2f.visualization.embedding_map import embedding_map
from mmc2f.visualization.region_sheet import region_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mmc2f.evaluation import ResolutionCurves
    from mmc2f.retrieval import ReRanker

__all__ = ['KINDS', 'SeenImage', 'SeenImages', 'thumbnail', 'to_array']

#: Side of a thumbnail in pixels.
SIDE = 112
NOT_RERANKED = 'nothing was re-ranked: ReRankHook needs on_val=True'


@dataclass(frozen=True, eq=False)
class SeenImage:
    """What is kept of a predicted image.

    Attributes:
        record: Of :func:`mmc2f.retrieval.prediction_record.\
prediction_record`.
        label: Its true class, where that is known.
        image: RGB ``(H, W, 3)`` uint8 as the model has seen it, for the
            images whose regions or neighbours are drawn.
        small: A thumbnail of it, for those on the map.
        embedding: ``(D,)`` of the same, and of those with ``coarse``.
        coarse: Softmax ``(C,)``, where settings of the re-ranking are tried.
    """

    record: Mapping[str, Any]
    label: int | None = None
    image: np.ndarray | None = None
    small: np.ndarray | None = None
    embedding: Tensor | None = None
    coarse: Tensor | None = None


@dataclass(frozen=True, eq=False)
class SeenImages:
    """The images of a validation, and what is known of their classes.

    Attributes:
        images: In the order of the data set.
        class_names: Of the finest level.
        tree: Of these classes.
        read_neighbour: Gives the image of an entry of ``neighbours``.
        method: Of the map.
        reranker: That re-ranked them.
        measure: Measures the accuracy at several resolutions.
    """

    images: Sequence[SeenImage]
    class_names: Sequence[str]
    tree: LabelTree | None
    read_neighbour: Callable[[Mapping[str, Any]], np.ndarray | None]
    method: str = 'pca'
    reranker: ReRanker | None = None
    measure: Callable[[], ResolutionCurves] | None = None

    def draw(self, kind: str) -> Figure | np.ndarray:
        """Draw a picture of :data:`KINDS`.

        Raises:
            ValueError: It cannot be drawn of these images; says why.
        """
        return KINDS[kind](self._in_first_view())

    def _in_first_view(self) -> SeenImages:
        kept = in_first_view([seen.record for seen in self.images])
        places = {id(record) for record in kept}
        images = [i for i in self.images if id(i.record) in places]
        return replace(self, images=images)

    def mapped(self) -> list[SeenImage]:
        """Those with an embedding and a thumbnail.

        Raises:
            ValueError: The model gives none.
        """
        found = [seen for seen in self.images if seen.small is not None]
        if not found:
            raise ValueError('the model gives no embedding of an image')
        return found


def draw_boxes(seen: SeenImages) -> np.ndarray:
    shown = [image for image in seen.images if image.image is not None]
    images: dict[int, Any] = {id(i.record): i.image for i in shown}
    return region_sheet(
        [image.record for image in shown], lambda record: images[id(record)]
    )


def draw_case(seen: SeenImages) -> Figure | np.ndarray:
    """A case that re-ranking has mended goes before the first."""
    cases = [
        image
        for image in seen.images
        if 'reranked' in image.record and image.image is not None
    ]
    if not cases:
        raise ValueError(NOT_RERANKED)
    mended = [case for case in cases if is_mended(case.record)]
    shown = (mended or cases)[0]
    assert shown.image is not None
    return draw_record(shown.record, shown.image, seen.read_neighbour)


def draw_errors(seen: SeenImages) -> Figure:
    records = [image.record for image in seen.images]
    return confusion_picture(records, seen.class_names, seen.tree)[0]


def draw_embeddings(seen: SeenImages) -> Figure:
    shown = [image for image in seen.mapped() if image.label is not None]
    if not shown:
        raise ValueError('no image has a true class')
    return embedding_map(
        stack_embeddings(shown),
        torch.tensor([image.label for image in shown]),
        seen.class_names,
        seen.tree,
        lambda place: shown[place].small,
        seen.method,
    )


def draw_groups(seen: SeenImages) -> np.ndarray:
    """The most typical image of each class, by super class."""
    if seen.tree is None or seen.tree.num_levels < 2:
        raise ValueError('there is no tree of classes')
    groups: list[tuple[str, list[tuple[str, np.ndarray]]]] = [
        (name, []) for name in seen.tree.names(1)
    ]
    shown = seen.mapped()
    for label, parent in enumerate(seen.tree.parent_of(0).tolist()):
        members = [image for image in shown if image.label == label]
        if not members:
            continue
        rows = stack_embeddings(members)
        nearest = int((rows - rows.mean(dim=0)).norm(dim=1).argmin())
        small = members[nearest].small
        assert small is not None
        groups[parent][1].append((seen.class_names[label], small))
    return contact_sheet([group for group in groups if group[1]])


def draw_settings(seen: SeenImages) -> Figure:
    """Settings of Eq. 8-9 on the images that have been seen."""
    from mmc2f.retrieval.rerank_sweep import sweep_rerank
    from mmc2f.visualization.draw_sweep import draw_sweep

    if seen.reranker is None:
        raise ValueError(NOT_RERANKED)
    # Rows of a gallery that all processes share are found by all at a time.
    if seen.reranker.gallery.is_shared:
        raise ValueError('the gallery is shared out among processes')
    rule = seen.reranker.post_processor
    tried = [
        (image.coarse, image.embedding, image.label)
        for image in seen.images
        if image.coarse is not None and image.label is not None
    ]
    if not tried:
        raise ValueError('no image has a coarse_score and a true class')
    coarse, embeddings, labels = zip(*tried, strict=True)
    sweep = sweep_rerank(
        torch.stack(coarse),
        torch.stack(embeddings),
        torch.tensor(labels),
        seen.reranker.gallery,
        topm=rule.topm,
        alpha=rule.alpha,
        gate=rule.gate,
    )
    return draw_sweep(sweep)


def draw_by_resolution(seen: SeenImages) -> Figure:
    from mmc2f.visualization.draw_resolutions import draw_resolutions

    if seen.measure is None:
        raise ValueError('no resolutions can be measured here')
    curves = seen.measure()
    return draw_resolutions(
        curves.levels, curves.resolutions, curves.accuracies
    )


def stack_embeddings(images: Sequence[SeenImage]) -> Tensor:
    rows = [image.embedding for image in images]
    return torch.stack([row for row in rows if row is not None])


#: What can be drawn, by its name.
KINDS: dict[str, Callable[[SeenImages], Any]] = {
    'boxes': draw_boxes,
    'clusters': draw_groups,
    'confusion': draw_errors,
    'map': draw_embeddings,
    'rerank': draw_case,
    'resolutions': draw_by_resolution,
    'sweep': draw_settings,
}


def thumbnail(image: np.ndarray) -> np.ndarray:
    """A small copy of an RGB image."""
    small = Image.fromarray(image)
    small.thumbnail((SIDE, SIDE))
    return np.asarray(small)


def to_array(picture: Figure | np.ndarray) -> np.ndarray:
    """A picture as RGB ``(H, W, 3)`` uint8."""
    if isinstance(picture, np.ndarray):
        return picture
    canvas: Any = picture.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
