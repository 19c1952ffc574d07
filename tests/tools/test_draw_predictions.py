"""Pictures of predictions, read from a file."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_ccfr import TREE, write_images
from tool_helpers import load_tool, write_config

from mmc2f.retrieval.chosen_predictions import CHOICES
from mmc2f.visualization.draw_record import title_of_record

draw_predictions = load_tool('draw_predictions.py')
BOXES = [[8.0, 8.0, 40.0, 40.0], [20.0, 20.0, 100.0, 100.0]]


def prediction(truth='blue', coarse='blue', reranked=None):
    """A line of the file; boxes in pixels of an image of 128 x 128."""
    record = {
        'image': f'test/{truth}/0.png',
        'truth': truth,
        'coarse': [{'class': coarse, 'probability': 0.5}],
        'regions': [{'box': box, 'score': 0.25} for box in BOXES],
    }
    if reranked:
        neighbour = {'image': 'train/cyan/1.png', 'class': 'cyan'}
        record['reranked'] = [{'class': reranked, 'score': 0.75}]
        record['neighbours'] = [{**neighbour, 'similarity': 0.5}] * 9
    return record


PREDICTIONS = [
    prediction(coarse='blue', reranked='blue'),
    prediction(coarse='cyan', reranked='blue'),
    prediction(coarse='blue', reranked='cyan'),
    prediction(coarse='cyan', reranked='cyan'),
]


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('draw')
    images = write_images(folder / 'images', ('train', 'test'), size=128)
    return write_config(folder / 'own.py', images)


@pytest.fixture
def draw(config, tmp_path):
    def run(records, *options):
        file = tmp_path / 'predictions.jsonl'
        file.write_text('\n'.join(map(json.dumps, records)) + '\n')
        return draw_predictions.main([str(config), str(file), *options])

    return run


def read(file):
    with Image.open(file) as image:
        return np.asarray(image.convert('RGB'))


def test_reranked_prediction_is_drawn_with_its_neighbours(draw, tmp_path):
    out = tmp_path / 'new' / 'pictures'
    files = draw(PREDICTIONS[1:2], '--out', str(out))
    assert files == [out / 'first_0.png']
    picture = read(files[0])
    assert picture.shape[1] == 11 * 120  # as wide as draw_rerank makes it
    # The query is blue, the neighbours are cyan.
    for colour in ((20, 40, 220), (30, 210, 230)):
        near = np.abs(picture.astype(int) - colour).max(axis=-1) < 45
        assert near.sum() > 1000


@pytest.mark.parametrize(
    'changes',
    [{}, {'regions': [{'box': BOXES[0], 'score': None}]}, {'truth': None}],
)
def test_prediction_without_neighbours_shows_its_regions(
    draw, tmp_path, changes
):
    files = draw([prediction() | changes])
    assert files == [tmp_path / 'first_0.png']
    picture = read(files[0])
    assert picture.shape == (128, 128, 3)
    # The side of the first box.
    inside, side = picture[24, 24].astype(int), picture[24, 8].astype(int)
    assert np.abs(inside - side).max() > 45


@pytest.mark.parametrize('reranked', [None, 'blue'])
def test_prediction_of_a_model_without_regions(draw, reranked):
    record = prediction(reranked=reranked)
    record.pop('regions')
    (file,) = draw([record])
    if reranked is None:
        assert np.abs(read(file).mean((0, 1)) - (40, 40, 220)).max() < 30
    assert file.stat().st_size


@pytest.mark.parametrize(
    ('which', 'indices'),
    [('first', [0, 1, 2, 3]), ('mended', [1]), ('broken', [2])]
    + [('wrong', [2, 3])],
)
def test_predictions_are_chosen(which, indices):
    choose = CHOICES[which]
    chosen = [i for i, record in enumerate(PREDICTIONS) if choose(record)]
    assert chosen == indices


def test_what_was_not_reranked_is_neither_mended_nor_broken():
    record = prediction(coarse='cyan')
    assert CHOICES['wrong'](record)
    assert not CHOICES['mended'](record)
    assert not CHOICES['broken'](record)


def test_at_most_so_many_are_drawn(draw):
    files = draw([prediction()] * 3, '--num', '2', '--which', 'first')
    assert [file.name for file in files] == ['first_0.png', 'first_1.png']


def test_nothing_to_draw_is_said(draw, capsys):
    assert draw(PREDICTIONS[:1], '--which', 'broken') == []
    assert 'None of 1 predictions is "broken"' in capsys.readouterr().out


def test_config_options_choose_other_images(draw, tmp_path):
    other = write_images(tmp_path / 'other', ('train', 'test'), size=64)
    (file,) = draw(
        [prediction()],
        '--cfg-options',
        f'test_dataloader.dataset.data_root={other}',
    )
    assert read(file).shape == (64, 64, 3)


#: Shows test images as they are, and at 8 of their 128 pixels.
WRAPPED = """
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmc2f.MultiResolutionDataset',
        dataset=dict(_base_.test_data, data_root=data_root),
        tree={tree!r},
        views=[
            dict(name='high', level=0, resolution=None),
            dict(name='low', level=1, resolution=8),
        ],
        pipeline=[
            dict(type='mmc2f.LoadImage'),
            dict(type='mmc2f.DegradeResolution'),
            dict(type='PackInputs'),
        ],
    )
)
"""


@pytest.fixture(scope='module')
def views_config(config):
    path = config.with_name('views.py')
    text = config.read_text(encoding='utf-8')
    path.write_text(text + WRAPPED.format(tree=TREE), encoding='utf-8')
    return path


VIEWS = [
    prediction() | {'view': 'high', 'resolution': None, 'level': 0},
    prediction() | {'view': 'low', 'resolution': 8, 'level': 1},
]


def draw_views(views_config, folder, *options):
    file = folder / 'predictions.jsonl'
    records = [{**record, 'regions': []} for record in VIEWS]
    file.write_text('\n'.join(map(json.dumps, records)) + '\n')
    return draw_predictions.main([str(views_config), str(file), *options])


def test_prediction_is_drawn_in_its_view(views_config, tmp_path):
    high, low = map(read, draw_views(views_config, tmp_path))
    assert high.shape == low.shape
    # The noise is gone, the colour is not.
    assert low.std((0, 1)).max() < high.std((0, 1)).min() / 2
    assert np.abs(high.mean((0, 1)) - low.mean((0, 1))).max() < 4


def test_one_view_alone_is_drawn(views_config, tmp_path):
    both = draw_views(views_config, tmp_path)
    low = read(both[1])
    (file,) = draw_views(views_config, tmp_path, '--view', 'low')
    assert np.array_equal(read(file), low)


def test_unknown_view_is_named(views_config, tmp_path):
    with pytest.raises(SystemExit, match="view 'middle'; views: high, low"):
        draw_views(views_config, tmp_path, '--view', 'middle')


@pytest.mark.parametrize(
    ('record', 'title'),
    [
        (prediction(), '0.png'),
        (VIEWS[0], '0.png, high'),
        (VIEWS[1], '0.png, low (8 px)'),
    ],
)
def test_title_tells_the_view(record, title):
    assert title_of_record(record) == title


def test_predictions_of_another_config_are_refused(draw):
    record = prediction(truth='owl')
    message = r'predictions\.jsonl: .*owl/0\.png is none of the 16 images'
    with pytest.raises(SystemExit, match=message):
        draw([record])
    with pytest.raises(SystemExit, match='is of no image file'):
        draw([{**record, 'image': None}])


def test_a_file_without_predictions_is_refused(draw):
    with pytest.raises(SystemExit, match=r'\.jsonl holds no prediction'):
        draw([])


def test_what_is_no_prediction_is_named_by_its_line(draw):
    message = r"predictions\.jsonl, line 2: the prediction has no 'image'"
    with pytest.raises(ValueError, match=message):
        draw([prediction(), {'truth': 'blue'}])
