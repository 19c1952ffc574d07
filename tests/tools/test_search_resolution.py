"""Resolutions that are known from the pictures, found by the tool."""

import contextlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmpretrain import get_model
from mmpretrain.registry import MODELS
from PIL import Image
from tiny_ccfr import TREE as COLOURS
from tiny_ccfr import write_images
from tool_helpers import load_tool, write_config

from mmc2f.apis import load_config

tool = load_tool('search_resolution.py')

SIZE = 64
CLASSES = ('00', '01', '10', '11')
#: Of coarse and of fine stripes, by split. Half of it is the widest pixel that
#: still shows them.
PERIODS = {'val': (16, 4), 'train': (16, 8)}
TREE = dict(
    levels=['stripes', 'coarse stripes', 'picture'],
    classes=[list(CLASSES), ['without', 'with'], ['any']],
    parents=[[0, 0, 1, 1], [0, 0]],
)
RESOLUTIONS = ['--resolutions', '64', '32', '16', '8', '4', '2']
#: Fine stripes are seen at 32 pixels, coarse ones at 8.
VIEWS = [
    dict(name='high', level='stripes', resolution=None),
    dict(name='medium', level='coarse stripes', resolution=16),
    dict(name='low', level='picture', resolution=4),
]
CONFIG = """
taxonomy = {tree!r}
pipeline = [dict(type='mmc2f.LoadImage'), dict(type='PackInputs')]
model = dict(
    type='mmpretrain.StripeClassifier',
    data_preprocessor=dict(type='mmpretrain.ClsDataPreprocessor'),
)
val_dataloader = dict(
    batch_size=3,
    num_workers=0,
    dataset=dict(
        type='mmc2f.ImageFolder',
        data_root={images!r},
        split='val',
        pipeline=pipeline,
    ),
    sampler=dict(type='DefaultSampler', shuffle=True),
)
train_dataloader = dict(
    dataset=dict(
        type='mmc2f.ImageFolder', data_root={images!r}, split='train'
    ),
)
"""
WRAPPED = """
val_dataloader['dataset'] = dict(
    type='mmc2f.MultiResolutionDataset',
    dataset=dict(
        type='mmc2f.ImageFolder', data_root={images!r}, split='val'
    ),
    tree=taxonomy,
    views=[dict(name='low', level=1, resolution=2)],
    pipeline=[
        pipeline[0], dict(type='mmc2f.DegradeResolution'), pipeline[1]
    ],
)
"""


class StripeClassifier(BaseModel):
    """Looks for coarse and for fine stripes, and has nothing to learn."""

    def __init__(self, data_preprocessor=None):
        super().__init__(data_preprocessor)
        self.contrast = torch.nn.Parameter(torch.zeros(()))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        assert mode == 'predict'
        waves = torch.fft.rfft(inputs.mean((1, 2))).abs() / SIZE
        coarse = waves[:, SIZE // 16] > self.contrast
        fine = waves[:, [SIZE // 4, SIZE // 8]].amax(1) > self.contrast
        answers = 2 * coarse + 1 * fine
        for sample, answer in zip(data_samples, answers, strict=True):
            sample.set_pred_score(
                torch.nn.functional.one_hot(answer, 4).float()
            )
        return data_samples


@pytest.fixture(scope='module', autouse=True)
def _registered():
    MODELS.register_module(module=StripeClassifier)
    yield
    MODELS.module_dict.pop('StripeClassifier')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """The contrast from which on there are stripes."""
    path = tmp_path_factory.mktemp('checkpoint') / 'stripes.pth'
    torch.save({'state_dict': {'contrast': torch.tensor(5.0)}}, path)
    return path


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp('stripes')
    x = np.arange(SIZE)
    for (split, periods), name in itertools.product(PERIODS.items(), CLASSES):
        row = np.full(SIZE, 128)
        for period, bit in zip(periods, name, strict=True):
            row += int(bit) * np.where(x % period < period // 2, 40, -40)
        pixels = np.tile(row[None, :, None], (SIZE, 1, 3)).astype(np.uint8)
        path = folder / split / name / '0.png'
        path.parent.mkdir(parents=True)
        Image.fromarray(pixels).save(path)
    return folder


def write(path, images, text=CONFIG, tree=TREE):
    path.write_text(text.format(images=str(images), tree=tree))
    return path


@pytest.fixture
def search(images, checkpoint, tmp_path):
    def run(*options, **config):
        file = write(tmp_path / 'own.py', images, **config)
        out = [] if '--out' in options else ['--out', str(tmp_path / 'out')]
        return tool.main([str(file), str(checkpoint), *out, *options])

    return run


def read(folder):
    text = (folder / 'resolutions.json').read_text(encoding='utf-8')
    with Image.open(folder / 'resolutions.png') as picture:
        assert picture.size == (960, 600)
    return json.loads(text)


@pytest.mark.parametrize('text', [CONFIG, CONFIG + WRAPPED])
def test_finds_where_the_stripes_vanish(search, tmp_path, text):
    assert search(*RESOLUTIONS, text=text) == VIEWS
    assert read(tmp_path / 'out') == {
        'levels': TREE['levels'],
        'resolutions': [64, 32, 16, 8, 4, 2],
        'accuracies': {
            'stripes': [1.0, 1.0, 0.5, 0.5, 0.25, 0.25],
            'coarse stripes': [1.0, 1.0, 1.0, 1.0, 0.5, 0.5],
            'picture': [1.0] * 6,
        },
        'thresholds': [0.8, 0.8],
        'found': [16, 4],
        'views': VIEWS,
    }


def test_prints_the_table_and_what_to_write_in_a_config(search, capsys):
    search(*RESOLUTIONS)
    text = capsys.readouterr().out
    rows = [line.split('│')[1:-1] for line in text.splitlines() if '│' in line]
    assert [[cell.strip() for cell in row] for row in rows[1:4]] == [
        ['32 px', '100.00', '100.00', '100.00'],
        ['16 px', '50.00*', '100.00', '100.00'],
        ['8 px', '50.00', '100.00', '100.00'],
    ]
    values = {}
    exec(text[text.index('views = [') :], values)
    assert values['views'] == VIEWS


def test_ccfr_whose_tree_is_not_clustered_yet(tmp_path):
    """Untrained, so that nothing is known of the answers but their shape."""
    images = write_images(tmp_path / 'images', ('train', 'test'), size=128)
    taxonomy = dict(COLOURS, _delete_=True)  # the base's is a name
    config = write_config(tmp_path / 'own.py', images, taxonomy=taxonomy)
    model = get_model(load_config(config))
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'ccfr.pth')
    out = tmp_path / 'out'
    options = ['--out', str(out), '--resolutions', '128', '32']
    options += ['--cfg-options', 'val_dataloader.num_workers=0']
    with contextlib.suppress(SystemExit):
        tool.main([str(config), str(tmp_path / 'ccfr.pth'), *options])
    curves = read(out)['accuracies']
    assert list(curves) == ['class', 'group']
    for share in itertools.chain(*curves.values()):
        assert 0 <= share <= 1 and (16 * share).is_integer()


def test_training_images_on_request(search, tmp_path):
    views = search(*RESOLUTIONS, '--split', 'train')
    assert [view['resolution'] for view in views] == [None, 8, 4]
    option = ['--cfg-options', 'val_dataloader.dataset.split=train']
    assert search(*RESOLUTIONS, *option) == views


def test_one_threshold_gives_two_views(search):
    views = search(*RESOLUTIONS, '--thresholds', '0.3', '--device', 'cpu')
    assert [tuple(view.values()) for view in views] == [
        ('high', 'stripes', None),
        ('low', 'coarse stripes', 4),
    ]


def test_resolutions_of_its_own_choice(search, tmp_path):
    views = search('--thresholds', '0.8')
    resolutions = read(tmp_path / 'out')['resolutions']
    assert resolutions[:4] == [64, 46, 37, 32]
    assert resolutions[-1] == 5
    assert views[1]['resolution'] in resolutions


def test_relative_thresholds(search, tmp_path):
    low = ['--resolutions', '16', '8', '4']
    with pytest.raises(SystemExit, match=r'highest resolution, 16, .* 0\.500'):
        search(*low, '--thresholds', '0.8')
    views = search(*low, '--thresholds', '0.8', '--relative')
    assert views[1]['resolution'] == 4
    assert read(tmp_path / 'out')['thresholds'] == [pytest.approx(0.4)]


def test_curves_are_written_where_nothing_is_found(search, tmp_path, capsys):
    with pytest.raises(SystemExit, match=r'Level 1 never drops .* 0\.2'):
        search(*RESOLUTIONS, '--thresholds', '0.8', '0.2')
    record = read(tmp_path / 'out')
    assert record['views'] is None and record['found'] == []
    assert record['accuracies']['stripes'][-1] == 0.25
    out = capsys.readouterr().out
    assert '25.00' in out and 'views' not in out


def test_another_tree_on_request(search, tmp_path):
    tree = dict(
        levels=['stripes', 'fine stripes'],
        classes=[list(CLASSES), ['without', 'with']],
        parents=[[0, 1, 0, 1]],
    )
    path = tmp_path / 'tree.json'
    path.write_text(json.dumps(tree))
    views = search(*RESOLUTIONS, '--tree', str(path), tree=None)
    # As many as a tree of two levels has use for.
    assert [view['level'] for view in views] == ['stripes', 'fine stripes']


def test_writes_to_the_work_dir_where_no_folder_is_named(
    images, checkpoint, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    config = write(tmp_path / 'own.py', images)
    tool.main([str(config), str(checkpoint), *RESOLUTIONS])
    assert read(Path('work_dirs') / 'own')['found'] == [16, 4]
    option = ['--cfg-options', 'work_dir=elsewhere']
    tool.main([str(config), str(checkpoint), *RESOLUTIONS, *option])
    assert read(Path('elsewhere'))['found'] == [16, 4]


def test_hierarchy_is_needed(search):
    with pytest.raises(SystemExit, match=r'no taxonomy: .* --tree'):
        search(tree=None)


def test_hierarchy_of_one_level_has_no_use(search):
    tree = dict(levels=['stripes'], classes=[list(CLASSES)], parents=[])
    with pytest.raises(SystemExit, match="only the level 'stripes'"):
        search(tree=tree)


def test_coarsest_level_needs_no_threshold(search):
    with pytest.raises(SystemExit, match=r"'picture', .* give at most 2"):
        search('--thresholds', '0.8', '0.8', '0.8')


def test_views_of_more_than_three_levels_are_called_after_them():
    views = tool.views_of(('a', 'b', 'c', 'd'), (8, 4, 2))
    assert [view['name'] for view in views] == ['a', 'b', 'c', 'd']
    assert [view['resolution'] for view in views] == [None, 8, 4, 2]


def test_a_config_may_be_named_without_its_suffix():
    args = tool.parse_args(['configs/baseline_fonts', 'weights.pth'])
    assert args.config == 'configs/baseline_fonts.py'
