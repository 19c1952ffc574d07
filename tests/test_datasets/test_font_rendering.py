import string

import numpy as np
import pytest

from mmc2f.datasets import font_rendering
from mmc2f.datasets.font_rendering import render_words
from mmc2f.datasets.fonts import font_faces


def test_every_face_draws_its_own_letters():
    # A face without Latin letters draws the same box for every letter.
    for file in font_faces().values():
        letters = [
            font_rendering._draw_text([letter], file, 24).tobytes()
            for letter in string.ascii_letters
        ]
        assert len(set(letters)) > 45, file


def test_other_seed_gives_other_images():
    file = next(iter(font_faces().values()))
    first, same, other = (
        np.asarray(render_words(['word'], file, 64, np.random.default_rng(s)))
        for s in (0, 0, 1)
    )
    assert (first == same).all()
    assert (first != other).any()


def test_text_stays_on_the_canvas():
    # Ink touches no border: long words shrink instead of being cut.
    file = font_faces()['DejaVuSansMono-Bold']
    text = font_rendering._draw_text(['wwwwwwww'] * 3, file, 30)
    for seed in range(20):
        mask = np.asarray(
            font_rendering._place(text, 128, np.random.default_rng(seed))
        )
        assert mask.max() > 100
        edges = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
        assert not any(edge.any() for edge in edges)


def test_homography_takes_corners_to_corners():
    rng = np.random.default_rng(0)
    source = np.array([[0, 0], [10, 0], [10, 5], [0, 5]], float)
    target = source + rng.uniform(-1, 1, source.shape)
    a, b, c, d, e, f, g, h = font_rendering._homography(source, target)
    for (x, y), (u, v) in zip(source, target, strict=True):
        w = g * x + h * y + 1
        assert (a * x + b * y + c) / w == pytest.approx(u)
        assert (d * x + e * y + f) / w == pytest.approx(v)
