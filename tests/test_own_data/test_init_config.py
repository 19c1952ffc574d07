"""From a folder or a table to files that load, or to one sentence."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_images import draw, draw_folder
from PIL import Image

from mmc2f.apis import load_config
from mmc2f.datasets import ImageTable
from mmc2f.files import read_csv
from mmc2f.own_data import InitOptions, config_files, init_config
from mmc2f.own_data.hierarchy import known_hierarchy
from mmc2f.own_data.list_folder import list_folder


@pytest.fixture
def options(tmp_path):
    return InitOptions(out=tmp_path, threads=1)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_folders(folder, options, tmp_path, monkeypatch):
    result = init_config(folder, options)
    assert [path.name for path in result.files] == [
        *('pets.py', 'pets_split.csv', 'pets_tree.csv'),
    ]
    assert names(tmp_path) == sorted(
        ['pets', *(path.name for path in result.files)]
    )
    text = (tmp_path / 'pets.py').read_text()
    assert 7 <= len(text.splitlines()) <= 15
    assert str(tmp_path) not in text
    # From another place, and after a move of all of it.
    moved = tmp_path / 'moved'
    moved.mkdir()
    for name in ('pets', 'pets.py', 'pets_split.csv', 'pets_tree.csv'):
        shutil.move(tmp_path / name, moved / name)
    monkeypatch.chdir('/')
    cfg = load_config(moved / 'pets.py')
    assert cfg.model.num_classes == 4
    assert cfg.model.tree == f'{moved}/pets_tree.csv'
    assert cfg.batch_size == 10  # of 20 images; the base has 32
    parts = {}
    for name in ('train', 'val', 'test'):
        dataset = dict(cfg[f'{name}_dataloader'].dataset)
        assert dataset.pop('type') == 'mmc2f.ImageTable'
        assert dataset.pop('pipeline')
        parts[name] = ImageTable(**dataset)
        info = parts[name].get_data_info(0)
        assert os.path.isfile(info['img_path'])
    assert [len(part) for part in parts.values()] == [20, 4, 4]
    findings = result.findings
    assert findings.split == 'proposed'
    assert findings.levels == ('class', 'group')
    assert findings.warnings() == []
    assert json.loads(json.dumps(findings.to_dict()))['num_classes'] == 4


def test_twice_is_the_same_but_only_by_force(folder, options, tmp_path):
    files = init_config(folder, options).files
    first = [path.read_bytes() for path in files]
    with pytest.raises(FileExistsError, match=r'pets\.py is there already'):
        init_config(folder, options)
    assert not init_config(folder, replace(options, dry_run=True)).files
    init_config(folder, replace(options, force=True))
    assert [path.read_bytes() for path in files] == first
    init_config(folder, replace(options, force=True, seed=1))
    assert files[1].read_bytes() != first[1]


def test_own_splits_are_kept_and_copies_across_them_are_named(
    options, tmp_path
):
    draw_folder(tmp_path / 'pets/train', ('ant', 'bee'), 6)
    for place, name in enumerate(('ant', 'bee')):
        draw(tmp_path / f'pets/test/{name}/x.png', 90 + place)
        draw(tmp_path / f'pets/val/{name}/x.png', 95 + place)
    train = tmp_path / 'pets/train'
    test = tmp_path / 'pets/test'
    shutil.copy(train / 'ant/0.png', test / 'ant/copy.png')
    with Image.open(train / 'bee/1.png') as image:
        image.convert('RGB').save(test / 'bee/again.jpg', quality=60)
    shutil.copy(train / 'ant/2.png', train / 'bee/wrong.png')
    findings = init_config(tmp_path / 'pets', options).findings
    assert findings.split == 'kept'
    assert findings.per_split() == {'train': 13, 'val': 2, 'test': 4}
    assert sorted(findings.across_splits) == [
        ('train/ant/0.png', 'test/ant/copy.png'),
        ('train/bee/1.png', 'test/bee/again.jpg'),
    ]
    assert findings.across_classes == [
        ('train/ant/2.png', 'train/bee/wrong.png')
    ]
    assert len(findings.exact) == 2
    assert len(findings.near) == 3
    text = '\n'.join(findings.warnings())
    assert '1 picture in two classes: train/ant/2.png = ' in text
    assert '2 pictures in training and in validation or test' in text
    assert '3 groups of near duplicates, 6 images, 4 of them' in text
    cfg = load_config(tmp_path / 'pets.py')
    splits = [
        cfg[f'{name}_dataloader'].dataset.split
        for name in ('train', 'val', 'test')
    ]
    assert splits == ['train', 'val', 'test']
    # Split anew, they stay together.
    anew = replace(options, resplit=True, force=True, val=0.3)
    findings = init_config(tmp_path / 'pets', anew).findings
    assert findings.split == 'proposed'
    assert findings.across_splits == []
    rows = read_csv(tmp_path / 'pets_split.csv').rows
    split_of = {row['path']: row['split'] for _, row in rows}
    assert len(rows) == 19
    for group in findings.near:
        assert len({split_of[path] for path in group}) == 1


def test_training_images_alone_are_split(options, tmp_path):
    draw_folder(tmp_path / 'pets/train', ('ant', 'bee'), 6)
    findings = init_config(tmp_path / 'pets', options).findings
    assert findings.per_split() == {'train': 10, 'val': 2}


def test_what_cannot_be_read_is_named_and_left_out(options, tmp_path):
    draw_folder(tmp_path / 'pets', ('ant', 'bee'), 6)
    (tmp_path / 'pets/ant/broken.jpg').write_bytes(b'\xff\xd8 no more')
    Image.new('RGB', (32, 32), 'white').save(tmp_path / 'pets/bee/w.png')
    result = init_config(tmp_path / 'pets', options)
    assert list(result.findings.unreadable) == ['ant/broken.jpg']
    assert result.findings.flat == ['bee/w.png']
    lines = result.findings.warnings()
    assert lines[0].startswith('ant/broken.jpg cannot be read and is left out')
    assert '1 image of almost one colour: bee/w.png' in lines
    table = (tmp_path / 'pets_split.csv').read_text()
    assert 'broken' not in table


def test_few_images_and_imbalance(options, tmp_path):
    draw_folder(tmp_path / 'pets', ('ant', 'bee'), 2)
    for index in range(40):
        draw(tmp_path / f'pets/cat/{index}.png', 100 + index, side=16)
    findings = init_config(tmp_path / 'pets', options).findings
    assert findings.few_images() == {'ant': 2, 'bee': 2}
    assert findings.imbalance() == 20
    assert findings.unmeasured() == ['ant', 'bee']
    text = '\n'.join(findings.warnings())
    assert '2 classes with fewer than 5 images to train on: ant (2)' in text
    assert 'cat has 40 images, ant has 2' in text
    assert 'nothing is measured of them: ant; bee' in text
    cfg = load_config(tmp_path / 'pets.py')
    assert cfg.model.tree.num_clusters == 'silhouette'


def test_a_csv(options, tmp_path):
    draw_folder(tmp_path / 'shots', ('a', 'b'), 6)
    rows = [
        f'shots/{name}/{i}.png,{name},{name.upper()}'
        for name in 'ab'
        for i in range(6)
    ]
    table = tmp_path / 'birds.csv'
    table.write_text('\n'.join(['path,species,genus', *rows]))
    options = replace(options, name='mine', test=0.2)
    result = init_config(table, options)
    assert result.findings.per_split() == {'train': 8, 'val': 2, 'test': 2}
    # A genus of one species each says nothing.
    assert [path.name for path in result.files] == [
        *('mine.py', 'mine_split.csv'),
    ]
    cfg = load_config(result.files[0])
    assert cfg.data_root == str(tmp_path)
    assert cfg.model.tree.num_clusters == 2
    assert cfg.taxonomy is None


def test_a_baseline_has_no_tree(folder, options):
    result = init_config(folder, replace(options, base='baseline_grocery'))
    text = result.files[0].read_text()
    assert "_base_ = 'mmc2f::baseline_grocery.py'" in text
    shutil.rmtree(folder / 'cold')
    shutil.rmtree(folder / 'warm/ant')
    draw_folder(folder, ('warm/wasp',), 6)
    options = replace(options, base='baseline_grocery', force=True)
    text = init_config(folder, options).files[0].read_text()
    assert 'tree' not in text


def test_weights_that_are_missing_are_named(
    folder, options, tmp_path, monkeypatch
):
    monkeypatch.setenv('MMC2F_CHECKPOINTS', str(tmp_path))
    weights = tmp_path / 'tf_efficientnet_lite0.pth'
    assert init_config(folder, options).missing_weights == str(weights)
    weights.touch()
    again = replace(options, force=True)
    assert init_config(folder, again).missing_weights is None


def test_a_dry_run_writes_nothing(folder, options, tmp_path):
    options = replace(options, dry_run=True, out=tmp_path / 'new')
    result = init_config(folder, options)
    assert result.files == ()
    assert names(tmp_path) == ['pets']


def test_names_with_spaces_and_quotes(options, tmp_path):
    draw_folder(tmp_path / "Tom's pets", (' ant', 'b,e"e'), 6)
    result = init_config(tmp_path / "Tom's pets", options)
    assert result.files[0].name == 'Tom_s_pets.py'
    cfg = load_config(result.files[0])
    assert cfg.data_root == f"{tmp_path}/Tom's pets"


@pytest.mark.parametrize(
    ('changes', 'error', 'message'),
    [
        ({'base': 'ccfr_x'}, ValueError, "no shipped config 'ccfr_x'"),
        ({'base': 'mlph_grocery'}, ValueError, 'at several resolutions'),
        ({'val': 0.0}, ValueError, 'nothing can be measured'),
        ({'val': 1.0}, ValueError, 'must be between 0 and 1'),
    ],
)
def test_options_that_cannot_be(
    folder, options, tmp_path, changes, error, message
):
    with pytest.raises(error, match=message):
        init_config(folder, replace(options, **changes))
    assert names(tmp_path) == ['pets']


def test_sources_that_cannot_be_used(options, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        init_config(tmp_path / 'nowhere', options)
    (tmp_path / 'a.doc').touch()
    with pytest.raises(ValueError, match='neither a folder of images nor'):
        init_config(tmp_path / 'a.doc', options)
    for name in ('x/ant/1.png', 'x/bee/1.png'):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b'none')
    with pytest.raises(ValueError, match=r'none of the 2 images of .*x can'):
        init_config(tmp_path / 'x', options)
    draw_folder(tmp_path / 'y', ('ant', 'bee'), 2)
    with pytest.raises(ValueError, match='too few images for val'):
        init_config(tmp_path / 'y', options)
    assert names(tmp_path) == ['a.doc', 'x', 'y']


def test_a_folder_that_cannot_be_written_to(folder, options, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=r'cannot be written to.*file'):
        init_config(folder, replace(options, out=tmp_path / 'file'))
    with pytest.raises(OSError, match='cannot be written to'):
        init_config(folder, replace(options, out='/proc/nothing'))
    with pytest.raises(ValueError, match='has a quote, brace or backslash'):
        init_config(folder, replace(options, out=tmp_path / "it's"))


def test_where_the_config_says_that_the_images_are(folder, options, tmp_path):
    # Above the images, among them, and beside them.
    for out in (tmp_path, folder, tmp_path / 'other'):
        out.mkdir(exist_ok=True)
        init_config(folder, replace(options, out=out))
        cfg = load_config(out / 'pets.py')
        root = Path(cfg.train_dataloader.dataset.data_root)
        assert root.resolve() == folder.resolve()


def test_what_is_not_read_back_as_written_is_refused(
    folder, options, tmp_path, monkeypatch
):
    whole = config_files._table

    def lose_one(images, splits):
        return ''.join(whole(images, splits).splitlines(True)[:-1])

    monkeypatch.setattr(config_files, '_table', lose_one)
    with pytest.raises(ValueError, match=r'24 images .* but 23 .* read back'):
        init_config(folder, options)
    assert names(tmp_path) == ['pets']


def test_nothing_is_left_half_written(folder, options, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(config_files, '_check', fail)
    with pytest.raises(OSError, match='No space left'):
        init_config(folder, options)
    assert names(tmp_path) == ['pets']


def test_real_folders_are_a_hierarchy(mmc2f_data):
    source = mmc2f_data / 'grocery'
    if not source.is_dir():
        pytest.skip('MMC2F_DATA has no grocery')
    listing = list_folder(source)
    assert len(listing.classes) == 81
    levels, rows = known_hierarchy(listing)
    assert levels == ('class', 'group_1', 'group_2')
    assert rows['Golden-Delicious'] == ('Golden-Delicious', 'Apple', 'Fruit')
