import string

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from mmc2f.datasets import font_rendering
from mmc2f.datasets.font_rendering import render_words
from mmc2f.datasets.fonts import font_faces


def render(words, file, size, seed):
    return render_words(words, file, size, np.random.default_rng(seed))


def middle_of_ink(mask):
    left, top, right, bottom = mask.getbbox()
    return np.array([left + right, top + bottom]) / 2


def test_every_face_draws_its_own_letters():
    # A face without Latin letters draws the same box for every letter.
    for file in font_faces().values():
        letters = [
            font_rendering._draw_text([letter], file, 24)[0].tobytes()
            for letter in string.ascii_letters
        ]
        assert len(set(letters)) > 45, file


def test_other_seed_gives_other_images():
    file = next(iter(font_faces().values()))
    first, same, other = (
        np.asarray(render(['word'], file, 64, seed).image)
        for seed in (0, 0, 1)
    )
    assert (first == same).all()
    assert (first != other).any()


def test_text_stays_on_the_canvas():
    # Ink touches no border: long words shrink instead of being cut.
    file = font_faces()['DejaVuSansMono-Bold']
    text, _ = font_rendering._draw_text(['wwwwwwww'] * 3, file, 30)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        quad = font_rendering._choose_quad(text.size, 128, rng)
        mask = np.asarray(font_rendering._warp(text, quad, 128))
        assert mask.max() > 100
        edges = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
        assert not any(edge.any() for edge in edges)


@pytest.mark.parametrize('face', sorted(font_faces()))
def test_letters_stand_where_their_ink_is(face):
    # A letter is what a line gains by it.
    file = font_faces()[face]
    words = ['Tavo', 'quip', 'WAFT']
    text, letters = font_rendering._draw_text(words, file, 36)
    assert len(letters) == 12
    for index, letter in enumerate(letters):
        row, column = divmod(index, 4)
        shown = [words[row][: column + 1], words[row][:column]]
        # Both are cut to the box of the same text, so that they align.
        with_it, without = (
            _draw_on(text.size, words, row, word, file) for word in shown
        )
        ink = middle_of_ink(ImageChops.difference(with_it, without))
        # Across, the letter is as wide as its advance.
        assert letter == pytest.approx(ink, abs=5), (words[row], column)
        assert letter[1] == pytest.approx(ink[1], abs=1.01)


def _draw_on(size, words, row, word, file):
    """The same layout with one word changed, and the others left away."""
    points = 36
    font = ImageFont.truetype(
        str(file), points, layout_engine=ImageFont.Layout.BASIC
    )
    spacing = points / 4
    draw = ImageDraw.Draw(Image.new('L', size))
    left, top, *_ = draw.multiline_textbbox(
        (0, 0), '\n'.join(words), font=font, spacing=spacing
    )
    lines = [' '] * row + [word or ' '] + [' '] * (len(words) - row - 1)
    place = 1 - int(np.floor(left)), 1 - int(np.floor(top))
    draw.multiline_text(
        place, '\n'.join(lines), fill=255, font=font, spacing=spacing
    )
    return draw._image


def test_layout_is_that_of_pillow():
    file = font_faces()['DejaVuSerif-Italic']
    words = ['Tavo', 'jQuip', 'WAFT']
    text, _ = font_rendering._draw_text(words, file, 33.3)
    font = ImageFont.truetype(
        str(file), 33.3, layout_engine=ImageFont.Layout.BASIC
    )
    kwargs = dict(font=font, spacing=33.3 / 4)
    expected = Image.new('L', text.size)
    draw = ImageDraw.Draw(expected)
    box = draw.multiline_textbbox((0, 0), '\n'.join(words), **kwargs)
    place = 1 - np.floor(box[:2]).astype(int)
    draw.multiline_text(tuple(place), '\n'.join(words), fill=255, **kwargs)
    assert text.tobytes() == expected.tobytes()


@pytest.mark.parametrize('seed', range(4))
def test_letters_and_box_follow_the_warp(seed):
    # A word of a single letter, and the middle of its ink in the image.
    file = font_faces()['DejaVuSans-Bold']
    drawn = render(['o'], file, 128, seed)
    grey = np.asarray(drawn.image, float).mean(axis=2)
    paper = np.median(grey)
    left, top, right, bottom = drawn.box
    assert right - left < 40 and bottom - top < 40
    inside = np.zeros(grey.shape, bool)
    inside[top:bottom, left:right] = True
    contrast = abs(grey - paper)
    assert contrast[inside].mean() > 2 * contrast[~inside].mean()
    middle = [(left + right) / 2, (top + bottom) / 2]
    assert drawn.letters == pytest.approx(np.array([middle]), abs=1.5)


def test_homography_takes_corners_to_corners():
    rng = np.random.default_rng(0)
    source = np.array([[0, 0], [10, 0], [10, 5], [0, 5]], float)
    target = source + rng.uniform(-1, 1, source.shape)
    homography = font_rendering._homography(source, target)
    projected = font_rendering._project(source, homography)
    assert projected == pytest.approx(target)
    a, b, c, d, e, f, g, h = homography
    for (x, y), (u, v) in zip(source, target, strict=True):
        w = g * x + h * y + 1
        assert (a * x + b * y + c) / w == pytest.approx(u)
        assert (d * x + e * y + f) / w == pytest.approx(v)
