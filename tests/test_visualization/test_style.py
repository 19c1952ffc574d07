import pytest

from mmc2f.visualization.style import (
    PALETTE,
    fit_text,
    group_colour,
    label_font,
)


def test_text_is_shortened_in_the_middle():
    font = label_font(12)
    text = 'Arla-Ecological-Medium-Fat-Milk'
    assert fit_text(text, font, 1000) == text
    short = fit_text(text, font, 100)
    assert font.getlength(short) <= 100
    head, tail = short.split('…')
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) - len(tail) in (0, 1)


@pytest.mark.parametrize('width', [0, 5, 13])
def test_text_in_no_room_is_an_ellipsis(width):
    assert fit_text('wide words', label_font(12), width) == '…'


def test_palette_repeats():
    assert group_colour(len(PALETTE) + 1) == group_colour(1)
