"""An answer as pieces of a page.

Every text that comes from a model or a user is escaped, and no path of a
file is shown: an image is part of the page.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from mmc2f.apis.reason_text import reason_sentences
from mmc2f.visualization.draw_regions import draw_regions
from mmc2f.web.upload import data_uri

__all__ = ['answer_html', 'picture_html', 'problem_html']

#: Sides in pixels of the picture and of a neighbour.
PICTURE, THUMBNAIL = 720, 112
Read = Callable[[str], np.ndarray | None]


def problem_html(sentence: str) -> str:
    """What went wrong, for who has asked."""
    return f'<p class="c2f-problem" role="alert">{_text(sentence)}</p>'


def picture_html(
    shown: np.ndarray, boxes: Sequence[Mapping[str, Any]], factor: float
) -> str:
    """The image with the regions that were looked at.

    Args:
        shown: RGB ``(H, W, 3)`` uint8.
        boxes: Of the answer, in pixels of the original image.
        factor: Side of ``shown`` over that of the original.
    """
    caption = 'The image; this model chooses no regions.'
    if boxes:
        shown, drawn = _enlarged(shown)
        corners = np.array([box['box'] for box in boxes]) * factor * drawn
        scales = [f'scale {box["scale"] + 1}' for box in boxes]
        shown = draw_regions(shown, corners, labels=scales)
        caption = 'The regions that the model has looked at, by their scale.'
    return (
        '<figure class="c2f-picture">'
        f'<img src="{data_uri(shown, PICTURE)}" alt="{_text(caption)}">'
        f'<figcaption>{_text(caption)}</figcaption></figure>'
    )


def answer_html(answer: Mapping[str, Any], read_neighbour: Read) -> str:
    """Answer, scores, path in the tree, neighbours and reason.

    The answer is blue and has a tick everywhere; the class that it replaced,
    where re-ranking has changed it, is pink and hatched.

    Args:
        answer: Of :class:`mmc2f.C2FInferencer`.
        read_neighbour: RGB image of a gallery image's id, or ``None``.
    """
    parts = [
        _headline(answer),
        '<div class="c2f-columns">',
        _bars(
            'Before re-ranking' if 'reranked' in answer else 'Classes',
            'probability',
            answer['coarse'],
            answer,
        ),
        _bars('After re-ranking', 'score', answer.get('reranked'), answer),
        '</div>',
        _neighbours(answer, read_neighbour),
        '<div class="c2f-columns">',
        _tree(answer),
        _reason(answer),
        '</div>',
    ]
    return f'<div class="c2f-answer">{"".join(parts)}</div>'


def _text(words: object) -> str:
    """Escaped, for the page's templates too, which read braces."""
    return (
        escape(str(words))
        .replace('{', '&#123;')
        .replace('}', '&#125;')
        .replace('$', '&#36;')
        .replace('`', '&#96;')
    )


def _enlarged(shown: np.ndarray) -> tuple[np.ndarray, float]:
    """The image, large enough for sharp lines, and by how much."""
    height, width = shown.shape[:2]
    times = max(1.0, PICTURE / max(height, width))
    if times == 1:
        return shown, times
    size = round(width * times), round(height * times)
    image = Image.fromarray(shown).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image), times


def _kind(name: str, answer: Mapping[str, Any]) -> str:
    """How a class stands out."""
    if name == answer['pred_class']:
        return 'is-answer'
    return 'is-before' if name == answer['coarse_class'] else ''


def _headline(answer: Mapping[str, Any]) -> str:
    name, before = answer['pred_class'], answer['coarse_class']
    words = f'score {answer["pred_score"]:.3f}'
    if name != before:
        words += (
            f'; before re-ranking <span class="is-before">{_text(before)}'
            '</span>'
        )
    return (
        f'<h2 class="c2f-headline" id="c2f-name">{_text(name)}</h2>'
        f'<p class="c2f-under">{words}</p>'
    )


def _bars(
    heading: str,
    key: str,
    ranking: Sequence[Mapping[str, Any]] | None,
    answer: Mapping[str, Any],
) -> str:
    """A list of classes with a bar each, of which the best is the longest."""
    if not ranking:
        return ''
    longest = max([entry[key] for entry in ranking] + [1e-6])
    rows = []
    for entry in ranking:
        width = 100 * max(0.0, entry[key]) / longest
        rows.append(
            f'<li class="{_kind(entry["class"], answer)}">'
            f'<span class="c2f-class">{_text(entry["class"])}</span>'
            f'<span class="c2f-value">{entry[key]:.3f}</span>'
            f'<span class="c2f-track"><i style="width:{width:.1f}%"></i>'
            '</span></li>'
        )
    return (
        f'<section><h3>{_text(heading)} <small>{key}</small></h3>'
        f'<ol class="c2f-bars" data-bars="{key}">{"".join(rows)}</ol>'
        '</section>'
    )


def _tree(answer: Mapping[str, Any]) -> str:
    """What the answer belongs to, coarse to fine."""
    levels = answer.get('levels', [])[::-1]
    if not levels:
        return ''
    rows = []
    for depth, level in enumerate(levels):
        name = level['of_answer'] or 'not in the tree'
        words = f'<small>{_text(level["level"])}</small> {_text(name)}'
        if name == level['class']:
            words += f' <small>{level["probability"]:.2f}</small>'
        kind = 'is-answer' if depth == len(levels) - 1 else ''
        rows.append(
            f'<li class="{kind}" style="margin-left:{1.1 * depth:.1f}em">'
            f'{words}</li>'
        )
    return (
        '<section><h3>Path in the tree</h3>'
        f'<ul class="c2f-tree">{"".join(rows)}</ul></section>'
    )


def _neighbours(answer: Mapping[str, Any], read: Read) -> str:
    found = answer.get('neighbours')
    if not found:
        return ''
    tiles = []
    for neighbour in found:
        name, image = neighbour['class'], read(neighbour['image'])
        picture = '<span class="c2f-lost">file not at hand</span>'
        if image is not None:
            picture = (
                f'<img src="{data_uri(image, THUMBNAIL)}" alt="{_text(name)}">'
            )
        tiles.append(
            f'<li class="{_kind(name, answer)}">{picture}'
            f'<span class="c2f-class" title="{_text(name)}">{_text(name)}'
            f'</span><small>{neighbour["similarity"]:.3f}</small></li>'
        )
    return (
        '<section><h3>Nearest gallery images <small>cosine similarity'
        f'</small></h3><ul class="c2f-tiles">{"".join(tiles)}</ul></section>'
    )


def _reason(answer: Mapping[str, Any]) -> str:
    sentences = ''.join(
        f'<li>{_text(sentence)}</li>' for sentence in reason_sentences(answer)
    )
    return (
        f'<section><h3>Why</h3><ul class="c2f-why">{sentences}</ul></section>'
    )
