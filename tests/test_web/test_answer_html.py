"""Pieces of the page: what is in them, and that no text is code."""

import re

import numpy as np
import pytest

from mmc2f.web.answer_html import answer_html, picture_html, problem_html

EVIL = '<img src=x onerror=alert(1)>"\'{{value}}${value}`'
GREY = np.full((30, 40, 3), 128, np.uint8)


def entry(name: str, key: str, value: float) -> dict:
    return {'class': name, key: value}


def make_answer(answer='raven', before='crow', **more) -> dict:
    return {
        'image': '/srv/secret/query.png',
        'pred_class': answer,
        'pred_score': 0.75,
        'coarse_class': before,
        'coarse_score': 0.5,
        'coarse': [
            entry(before, 'probability', 0.5),
            entry(answer, 'probability', 0.25),
        ],
        'reranked': [entry(answer, 'score', 0.75), entry(before, 'score', 0)],
        'neighbours': [
            {
                'image': '/srv/secret/a.png',
                'class': answer,
                'similarity': 0.91,
            },
            {'image': 'train/b.png', 'class': before, 'similarity': 0.5},
        ],
        'levels': [
            dict(
                entry(answer, 'probability', 0.4),
                level='species',
                of_answer=answer,
            ),
            dict(
                entry('other', 'probability', 0.6),
                level='genus',
                of_answer='Corvus',
            ),
            dict(
                entry('none', 'probability', 0.6),
                level='family',
                of_answer=None,
            ),
        ],
        'reason': dict(
            left_alone=None,
            changed=True,
            winner=answer,
            rival=before,
            decided_by='votes',
            margins=dict(votes=0.5),
        ),
        **more,
    }


def html_of(answer: dict, image=GREY) -> str:
    return answer_html(answer, lambda name: image)


def words_of(html: str) -> str:
    return ' '.join(re.sub(r'<[^>]*>', ' ', html).split())


def test_all_of_an_answer():
    words = words_of(html_of(make_answer()))
    assert words.startswith('raven score 0.750; before re-ranking crow')
    assert 'Before re-ranking probability crow 0.500 raven 0.250' in words
    assert 'After re-ranking score raven 0.750 crow 0.000' in words
    assert 'cosine similarity raven 0.910 crow 0.500' in words
    # Coarse to fine; a probability where the level's best is the answer's.
    path = 'family not in the tree genus Corvus species raven 0.40'
    assert path in words
    assert 'Re-ranking puts raven before crow.' in words


def test_bars_are_as_long_as_their_values():
    widths = re.findall(r'width:([\d.]+)%', html_of(make_answer()))
    assert widths == ['100.0', '50.0', '100.0', '0.0']


def test_what_stands_out():
    html = html_of(make_answer())
    assert html.count('is-answer') == html.count('is-before') + 0
    unchanged = html_of(make_answer(before='raven'))
    assert 'is-before' not in unchanged
    assert 'before re-ranking <' not in unchanged


def test_no_path_is_shown():
    html = html_of(make_answer()) + html_of(make_answer(), None)
    assert 'secret' not in html
    assert 'train/' not in html
    assert html.count('file not at hand') == 2


def test_without_re_ranking_and_tree():
    answer = make_answer(before='raven')
    for key in ('reranked', 'neighbours', 'levels', 'reason'):
        del answer[key]
    words = words_of(html_of(answer))
    assert 'Classes probability' in words
    for word in ('re-ranking', 'tree Path', 'Nearest'):
        assert word not in words.replace('to re-rank by', '').replace(
            'Before', ''
        )


def test_no_score_above_zero():
    answer = make_answer(reranked=[entry('raven', 'score', 0.0)])
    assert 'width:0.0%' in html_of(answer)


@pytest.mark.parametrize('part', ['answer', 'before'])
def test_names_are_no_code(part):
    html = html_of(make_answer(**{part: EVIL}))
    assert '<img src=x' not in html
    # Neither HTML nor the templates of Gradio.
    assert '{{' not in html
    assert '${' not in html
    assert '`' not in html
    assert '&lt;img src=x onerror=alert(1)&gt;&quot;' in html


def test_a_problem_is_no_code():
    html = problem_html('<b>{{bad}}')
    assert '<b>' not in html
    assert '{{' not in html
    assert 'role="alert"' in html


def test_picture_with_and_without_regions():
    box = dict(box=[2.0, 3.0, 20.0, 25.0], score=0.5, scale=0)
    plain = picture_html(GREY, [], 1.0)
    drawn = picture_html(GREY, [box], 0.5)
    assert 'no regions' in plain
    assert 'regions that the model has looked at' in drawn
    for html in (plain, drawn):
        assert html.count('src="data:image/webp;base64,') == 1


def test_regions_lie_where_they_are_in_the_image():
    import base64
    import io

    from PIL import Image

    box = dict(box=[20.0, 0.0, 80.0, 60.0], score=0.5, scale=0)
    black = np.zeros((60, 80, 3), np.uint8)
    html = picture_html(black[::2, ::2], [box], 0.5)
    code = re.search(r'base64,([^"]+)', html)[1]
    with Image.open(io.BytesIO(base64.b64decode(code))) as picture:
        pixels = np.asarray(picture.convert('L'))
    # The legend lies in a corner that no box covers: on the left.
    height, width = pixels.shape
    assert (height, width) == (540, 720)
    bright = np.flatnonzero(pixels[height // 2] > 100)
    assert abs(bright[0] - width / 4) < 12
    assert width - bright[-1] < 12
