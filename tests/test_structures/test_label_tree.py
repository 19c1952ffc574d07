import copy
import json
import pickle

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict

from mmc2f.structures import LabelTree
from mmc2f.taxonomies import PACKAGED_LEVELS, packaged_path

NAMES = [['a', 'b', 'c', 'd'], ['ab', 'c', 'd'], ['abc', 'd']]
PARENTS = [[0, 0, 1, 2], [0, 0, 1]]
LEVELS = ['fine', 'mid', 'top']


@pytest.fixture
def tree():
    return LabelTree(LEVELS, NAMES, PARENTS)


@pytest.fixture
def write(tmp_path):
    def write_csv(text):
        path = tmp_path / 'tree.csv'
        path.write_text(text, encoding='utf-8')
        return path

    return write_csv


@pytest.mark.parametrize(
    ('name', 'counts'),
    [
        ('cub', (200, 113, 36)),
        ('cub_modern', (200, 123, 37)),
        ('cars', (196, 113, 14)),
        ('aircraft', (100, 70, 30)),
        ('grocery', (81, 43, 3)),
    ],
)
def test_packaged_counts(name, counts):
    tree = LabelTree.build(name)
    assert tuple(map(tree.num_classes, tree.levels)) == counts


@pytest.mark.parametrize('name', PACKAGED_LEVELS)
def test_every_packaged_hierarchy_is_a_tree(name):
    assert LabelTree.build(name).levels == PACKAGED_LEVELS[name]


@pytest.mark.parametrize(
    ('name', 'dataset'),
    [('cub', 'CUB'), ('cars', 'StanfordCars'), ('aircraft', 'FGVCAircraft')],
)
def test_packaged_classes_are_those_of_mmpretrain(name, dataset):
    import mmpretrain.datasets

    classes = getattr(mmpretrain.datasets, dataset).METAINFO['classes']
    assert LabelTree.build(name).names() == tuple(classes)


def test_packaged_known_facts():
    cub = LabelTree.build('cub')
    albatross = cub.names().index('Sooty_Albatross')
    family = cub.ancestors('family')[albatross]
    assert cub.names('family')[family] == 'Diomedeidae'
    grocery = LabelTree.build('grocery')
    assert [
        grocery.names('coarse')[i] for i in grocery.ancestors(1)[[0, 67]]
    ] == ['Apple', 'Mushroom']


def test_unknown_packaged_name_lists_the_known():
    with pytest.raises(ValueError, match=r"'cubs'.*there are aircraft, cars"):
        LabelTree.build('cubs')


def test_lookup(tree):
    assert tree.levels == tuple(LEVELS)
    assert (tree.num_levels, tree.num_classes(), tree.num_classes('top')) == (
        3,
        4,
        2,
    )
    assert tree.names(-1) == ('abc', 'd')
    assert tree.level_index('mid') == 1
    assert tree.parent_of().tolist() == [0, 0, 1, 2]
    assert tree.parent_of('mid').dtype == torch.long
    for bad in ('genus', 3, -4):
        with pytest.raises(ValueError, match='levels are fine, mid, top'):
            tree.level_index(bad)
    with pytest.raises(ValueError, match='coarsest'):
        tree.parent_of('top')


@pytest.mark.parametrize('name', ['cub', 'cars', 'grocery'])
def test_ancestors_follow_the_parents(name):
    tree = LabelTree.build(name)
    for level in range(tree.num_levels):
        for child, ancestor in enumerate(tree.ancestors(level).tolist()):
            node = child
            for depth in range(level):
                node = tree.parents[depth][node]
            assert ancestor == node


def test_tree_cannot_be_changed(tree):
    with pytest.raises(AttributeError):
        tree.parents = ()
    tree.ancestors(1)[0] = 9
    assert tree.ancestors(1).tolist() == [0, 0, 1, 2]


def test_round_trips(tree, tmp_path):
    tree.to_json(tmp_path / 'tree.json')
    assert LabelTree.from_json(tmp_path / 'tree.json') == tree
    assert LabelTree.build(str(tmp_path / 'tree.json')) == tree
    assert LabelTree.build({'path': tmp_path / 'tree.json'}) == tree
    assert LabelTree.build(ConfigDict(tree.to_dict())) == tree
    assert LabelTree.build(tree) is tree
    assert pickle.loads(pickle.dumps(tree)) == tree
    assert copy.deepcopy(tree) == tree
    assert repr(tree) == 'LabelTree(fine: 4, mid: 3, top: 2)'


def test_build_of_another_type():
    with pytest.raises(TypeError, match='not by int'):
        LabelTree.build(3)


@pytest.mark.parametrize('first', [0, 1])
def test_csv_ids_from_0_or_1_in_any_row_order(write, first):
    ids = [first + i for i in (2, 0, 1)]
    path = write(f'class_id,x,y\n{ids[0]},c,r\n{ids[1]},a,q\n{ids[2]},b,r\n')
    tree = LabelTree.from_csv(path, ['x', 'y'])
    assert tree.class_names == (('a', 'b', 'c'), ('q', 'r'))
    assert tree.parents == ((0, 1, 1),)


def test_csv_without_ids_takes_the_row_order_and_all_columns(write):
    path = write('\ufeffx,y\nc,r\na,q\n')
    tree = LabelTree.build(str(path))
    assert tree.levels == ('x', 'y')
    assert tree.names() == ('c', 'a')
    assert LabelTree.build({'path': path, 'levels': ['x']}).num_levels == 1


def test_csv_with_its_own_id_column(write):
    path = write('nr,x,y\n1,b,q\n0,a,q\n')
    tree = LabelTree.from_csv(path, id_column='nr')
    assert tree.names() == ('a', 'b')


@pytest.mark.parametrize(
    ('text', 'levels', 'match'),
    [
        ('class_id,x,y\n1,a,q\n3,b,q\n', None, 'row 3: gap.*2 but found 3'),
        ('class_id,x,y\n1,a,q\n1,b,q\n', None, 'row 3: repeats a class id'),
        ('class_id,x,y\n2,a,q\n3,b,q\n', None, 'row 2: .*begin at 0 or 1'),
        ('class_id,x,y\n-1,a,q\n', None, 'row 2: .*whole number'),
        ('x,y\na,q\nb,\n', None, "row 3: 'y' is empty"),
        ('x,y\na,q\nb\n', None, "row 3: 'y' is empty"),
        ('x,y\na,q\na,q\n', None, "row 3: x 'a' stands in row 2"),
        (
            'x,y,z\na,q,1\nb,q,2\n',
            None,
            "row 3: y 'q' has two parents at level 'z', '1' \\(row 2\\)",
        ),
        ('x,y\na,q\n', ['x', 'genus'], "row 1: no column 'genus'.*'x', 'y'"),
        ('x,y\na,q\n', ['x', 'x'], 'distinct columns'),
        ('x,y\na,q\n', 'x', "list of columns, got 'x'"),
        ('x,y\n', None, 'no class'),
        ('', ['x'], 'the header has nothing'),
        ('x,y\na,q\nb,q,r\n', None, "row 3: cell 3, 'r', is in no column"),
        ('x,y;z\na,q\n', None, 'row 1: the header has commas and semicol'),
        ('x,y\na,q\n"b,q\n', None, 'row 3: .*quote not closed'),
    ],
)
def test_csv_error_names_the_row(write, text, levels, match):
    path = write(text)
    with pytest.raises(ValueError, match=match) as caught:
        LabelTree.from_csv(path, levels)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('separator', [',', ';', '\t'])
def test_csv_of_other_separators(write, separator):
    text = 'x,y\na,q\nb,q\n'.replace(',', separator)
    tree = LabelTree.build(str(write(text)))
    assert tree.to_dict() == dict(
        levels=['x', 'y'], classes=[['a', 'b'], ['q']], parents=[[0, 0]]
    )


def test_csv_in_latin_1_is_named(tmp_path):
    path = tmp_path / 'tree.csv'
    path.write_bytes('x,y\na,q\né,q\n'.encode('latin-1'))
    with pytest.raises(ValueError, match=r'tree\.csv, row 3: .*Latin-1'):
        LabelTree.build(str(path))


def test_levels_given_coarse_to_fine():
    with pytest.raises(ValueError, match='ordered fine to coarse'):
        LabelTree.from_csv(packaged_path('cub'), ['family', 'species'])


def test_missing_files(tmp_path):
    for name in ('no.csv', 'no.json'):
        with pytest.raises(FileNotFoundError, match=name):
            LabelTree.build(str(tmp_path / name))


def test_json_of_something_else(tmp_path):
    path = tmp_path / 'tree.json'
    wrong = '{"levels": ["x"], "classes": null, "parents": []}'
    for text in ('[1]', '{"levels": []}', '{', wrong, 'null', '\0'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r'tree\.json'):
            LabelTree.from_json(path)


@pytest.mark.parametrize(
    ('levels', 'names', 'parents', 'match'),
    [
        ([], [], [], 'distinct names'),
        (['x', 'x'], [['a'], ['b']], [[0]], 'distinct names'),
        (['x', 'y'], [['a']], [[0]], '2 levels need 2 lists'),
        (['x'], [[]], [], 'no class'),
        (['x'], [['a', ' ']], [], 'class 1 .*must have a name'),
        (['x'], [['a', 'a']], [], 'classes 0 and 1 .*both called'),
        (['x', 'y'], [['a', 'b'], ['q']], [[0]], '2 classes but 1 parents'),
        (['x', 'y'], [['a'], ['q']], [[1]], "parent 1 of x 'a' is outside"),
        (['x', 'y'], [['a'], ['q']], [[-1]], "parent -1 of x 'a' is outside"),
        (['x', 'y'], [['a'], ['q', 'r']], [[0]], "'r'.*has no child"),
        (['x', 'y'], [['a'], ['q']], [[0.7]], "of x 'a' .*whole .*got 0.7"),
        (['x', 'y'], [['a'], ['q']], [[0.0]], 'whole number.*got 0.0'),
        (['x', 'y'], [['a'], ['q']], [['0']], "whole number.*got '0'"),
        (['x', 'y'], [['a'], ['q']], [[None]], 'whole number.*got None'),
        (['x', 'y'], [['a'], ['q']], [[False]], 'whole number.*got False'),
        (['x', 'y'], [['a'], ['q']], [None], "parents of level 'x'.*list"),
        (['x', 'y'], [['a'], ['q']], None, 'parents must be a list'),
        (['x'], ['abc'], [], "class names of level 'x' must be a list"),
        (['x'], [[7]], [], 'class 0 .*must have a name, got 7'),
        ('x', [['a']], [], 'levels must be a list'),
        ([7], [['a']], [], 'levels must have distinct names'),
        (['x'], {'a': 1}, [], 'class names must be a list'),
    ],
)
def test_no_tree(levels, names, parents, match):
    with pytest.raises(ValueError, match=match):
        LabelTree(levels, names, parents)


@pytest.mark.parametrize('kind', [torch.tensor, np.array])
def test_parents_of_any_integer_type(kind):
    tree = LabelTree(LEVELS[:2], NAMES[:2], [kind(PARENTS[0])])
    assert tree.parents == (tuple(PARENTS[0]),)


def test_from_clusters():
    tree = LabelTree.from_clusters(['a', 'b', 'c'], torch.tensor([1, 0, 1]))
    assert tree.levels == ('class', 'cluster')
    assert tree.names(1) == ('cluster 0', 'cluster 1')
    assert tree.parent_of().tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match=r"'cluster 1'.*no child"):
        LabelTree.from_clusters(['a', 'b'], [0, 2])


def test_check_num_classes(tree):
    tree.check_num_classes(4, 'the head')
    with pytest.raises(ValueError, match=r'the head has 5 classes.*has 4'):
        tree.check_num_classes(5, 'the head')


def test_check_class_names(tree):
    tree.check_class_names(['a', 'b', 'c', 'd'], 'data')
    tree.check_class_names(['A', 'B', 'C', 'D'], 'data')
    with pytest.raises(ValueError, match="class 1 is 'c' in data, but 'b'"):
        tree.check_class_names(['a', 'c', 'b', 'd'], 'data')
    # One that is spelled otherwise does not let the others off.
    with pytest.raises(ValueError, match="class 1 is 'c' in data, but 'b'"):
        tree.check_class_names(['a', 'c', 'b', 'delta'], 'data')
    with pytest.raises(ValueError, match='data has 3 classes'):
        tree.check_class_names(['a', 'b', 'c'], 'data')


def test_describe_difference(tree):
    def changed(change):
        data = json.loads(json.dumps(tree.to_dict()))
        change(data)
        return LabelTree.from_dict(data)

    def fewer(data):
        data['classes'][0].pop(1)
        data['parents'][0].pop(1)

    cases = [
        (lambda d: d['levels'].__setitem__(0, 'x'), 'levels'),
        (fewer, "4 against 3 classes at level 'fine'"),
        (lambda d: d['classes'][1].__setitem__(0, 'x'), "'ab' against 'x'"),
        (
            lambda d: d['parents'][0].__setitem__(1, 1),
            "the parent of 'b' is 'ab' against 'c'",
        ),
    ]
    for change, words in cases:
        other = changed(change)
        assert other != tree
        assert words in tree.describe_difference(other)
    assert tree.describe_difference(changed(lambda d: None)) is None
