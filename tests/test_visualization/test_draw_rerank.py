import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from mmc2f.visualization import draw_rerank
from mmc2f.visualization.style import RIGHT, WRONG

IMAGE = np.full((40, 50, 3), 127, np.uint8)
COARSE = [('wren', 0.5), ('finch', 0.3), ('crow', 0.1)]
RERANKED = [('finch', 0.7), ('wren', 0.2), ('crow', 0.0)]
NEIGHBOURS = [(IMAGE, 'finch', 0.9), (IMAGE, 'wren', 0.8)]


def _panel(**changed):
    arguments = {
        'query_image': IMAGE,
        'query_title': 'query',
        'coarse': COARSE,
        'reranked': RERANKED,
        'neighbours': NEIGHBOURS,
        'truth': 'finch',
    }
    return draw_rerank(**(arguments | changed))


def _bar_colours(axes):
    return [to_hex(bar.get_facecolor()) for bar in axes.patches]


def test_truth_is_green_and_a_wrong_first_place_red():
    _, coarse, reranked, *_ = _panel().axes
    assert _bar_colours(coarse)[:2] == [WRONG, RIGHT]
    assert _bar_colours(reranked)[0] == RIGHT
    assert WRONG not in _bar_colours(reranked)
    assert [bar.get_width() for bar in coarse.patches] == [0.5, 0.3, 0.1]


def test_neighbours_are_framed_by_their_class():
    *_, first, second = _panel().axes
    frames = [to_hex(a.spines['top'].get_edgecolor()) for a in (first, second)]
    assert frames == [RIGHT, WRONG]
    assert first.get_title() == 'finch'
    assert second.get_xlabel() == '0.800'


def test_without_truth_nothing_is_judged():
    figure = _panel(truth='')
    colours = [c for axes in figure.axes for c in _bar_colours(axes)]
    assert RIGHT not in colours
    assert WRONG not in colours


def test_boxes_are_drawn_on_the_query():
    boxes = [[5, 5, 30, 30]]
    plain, boxed = _panel(), _panel(boxes=boxes, box_labels=['96 px'])
    shown = [
        np.asarray(f.axes[0].images[0].get_array()) for f in (plain, boxed)
    ]
    assert (shown[0] == IMAGE).all()
    assert (shown[1] != IMAGE).any()


def test_only_the_first_of_long_lists_are_shown():
    ranking = [(f'class {i}', 0.1) for i in range(30)]
    figure = _panel(
        coarse=ranking, reranked=ranking, neighbours=NEIGHBOURS * 10
    )
    assert len(figure.axes) == 3 + 8
    assert len(figure.axes[1].patches) == 5


def test_a_long_name_is_shortened_in_its_middle():
    name = 'Swainson thrush of the western coast and of the islands'
    _, coarse, *_ = _panel(coarse=[(name, 0.5)]).axes
    texts = [text.get_text() for text in coarse.texts]
    (shown,) = [text for text in texts if '…' in text]
    first, last = shown.split('…')
    assert len(shown) < len(name)
    assert name.startswith(first) and name.endswith(last)


def test_no_neighbour_leaves_out_the_row():
    assert len(_panel(neighbours=[]).axes) == 3


def test_saves_without_touching_pyplot(tmp_path):
    backend = matplotlib.get_backend()
    _panel().savefig(tmp_path / 'panel.png')
    assert (tmp_path / 'panel.png').stat().st_size > 1000
    assert plt.get_fignums() == []
    assert matplotlib.get_backend() == backend


def test_zero_scores_can_be_drawn(tmp_path):
    figure = _panel(reranked=[('wren', 0.0)])
    figure.savefig(tmp_path / 'panel.png')
    assert figure.axes[2].get_xlim()[1] > 0


def test_mistakes_are_named():
    with pytest.raises(ValueError, match='at least one class'):
        _panel(coarse=[])
    with pytest.raises(ValueError, match='query_image must be RGB'):
        _panel(query_image=IMAGE[..., 0])
    with pytest.raises(ValueError, match="neighbour of class 'crow'"):
        _panel(neighbours=[(IMAGE / 255, 'crow', 0.5)])
