"""``mmc2f init`` on folders and tables, and one sentence where it cannot."""

import json
import re

import pytest
from drawn_images import draw_folder

from mmc2f.apis import load_config

pytest.importorskip('imagehash', reason='install imagehash')
TWENTY = tuple(f'class {index:02d}' for index in range(20))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    folder = tmp_path / 'here'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_twenty_classes(say, here, monkeypatch):
    monkeypatch.setenv('MMC2F_CHECKPOINTS', 'nowhere')
    draw_folder(here / 'my_images', TWENTY, 6)
    said = say('init', 'my_images')
    assert said.code == 0, said.err
    assert said.err == ''
    assert said.out.splitlines() == [
        'my_images: 120 images of 20 classes',
        'split: 100 train, 20 val (proposed, seed 0)',
        'images of a class: 6 to 6, median 6',
        'hierarchy: none known; look-alike classes are clustered when the '
        'training starts',
        'written: my_images.py, my_images_split.csv',
        'warning: the training starts from nowhere/tf_efficientnet_lite0.pth, '
        'which is not there: make it by `make checkpoints`, or set '
        'MMC2F_CHECKPOINTS to the folder that it is in',
        'next: mmc2f train my_images.py',
    ]
    assert files(here) == ['my_images', 'my_images.py', 'my_images_split.csv']
    assert load_config('my_images.py').model.num_classes == 20
    again = say('init', 'my_images')
    assert again.code == 1
    assert again.out == ''
    assert again.last.endswith(
        'my_images.py is there already; --force replaces it'
    )
    assert say('init', 'my_images', '--force').code == 0


def test_json_of_a_table_with_all_its_options(say, here):
    draw_folder(here / 'shots', ('a', 'b', 'c', 'd'), 6)
    (here / 'shots/a/broken.png').write_bytes(b'none')
    rows = [
        f'{name}/{index}.png;{name};{"xy"[name > "b"]};dev'
        for name in 'abcd'
        for index in [*range(6), *(['broken'] if name == 'a' else [])]
    ]
    (here / 'birds.csv').write_text('\n'.join(['where;what;up;when', *rows]))
    said = say(
        *('init', 'birds.csv', '--root', 'shots', '--path-column', 'where'),
        *('--label-column', 'what', '--split-column', 'when', '--resplit'),
        *('--level', 'up', '--val', 0.2, '--test', 0.2, '--seed', 3),
        *('--name', 'mine', '--out', 'new', '--base', 'ccfr_fonts'),
        '--json',
    )
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert facts['images'] == {'train': 16, 'val': 4, 'test': 4}
    assert facts['levels'] == ['what', 'up']
    assert list(facts['unreadable']) == ['a/broken.png']
    assert [name.rpartition('/')[2] for name in facts['files']] == [
        *('mine.py', 'mine_split.csv', 'mine_tree.csv'),
    ]
    assert files(here / 'new') == [
        *('mine.py', 'mine_split.csv', 'mine_tree.csv'),
    ]
    cfg = load_config('new/mine.py')
    assert cfg.model.tree == f'{here}/new/mine_tree.csv'
    assert cfg.data_root == f'{here}/shots'


def test_a_dry_run(say, here):
    draw_folder(here / 'pets', ('ant', 'bee'), 3)
    said = say('init', 'pets', '--dry-run')
    assert said.code == 0, said.err
    assert 'warning: 2 classes with fewer than 5 images' in said.out
    assert 'next:' not in said.out
    assert files(here) == ['pets']


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        ((), 'pets does not exist'),
        (('pets/notes.txt',), 'pets has no image; the endings looked for'),
        (('pets/ant/1.png',), "pets has one class only, 'ant'; a classifier"),
        (('pets/ant/1.png', 'pets/bee/1.png'), 'none of the 2 images of pets'),
    ],
)
def test_folders_that_cannot_be_used(say, here, make, message):
    for name in make:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    said = say('init', 'pets')
    assert said.code == 1
    assert said.out == ''
    assert re.search(f'^mmc2f: error: .*{message}', said.last)
    assert len(said.err.splitlines()) == 1
    assert files(here) == (['pets'] if make else [])


@pytest.mark.parametrize(
    ('table', 'message'),
    [
        ('path,kind\n1.png,a\n', 'pets.csv has no column of labels'),
        ('path,label\n1.png,a\n2.png,b\n', 'pets.csv lists 2 images that'),
    ],
)
def test_tables_that_cannot_be_used(say, here, table, message):
    (here / 'pets.csv').write_text(table)
    said = say('init', 'pets.csv')
    assert said.code == 1
    assert message in said.last
    assert files(here) == ['pets.csv']


def test_a_folder_that_cannot_be_written_to(say, here):
    draw_folder(here / 'pets', ('ant', 'bee'), 3)
    (here / 'file').touch()
    said = say('init', 'pets', '--out', 'file')
    assert said.code == 1
    assert 'cannot be written to' in said.last
