"""Whatever tree it is, it comes back, and no other order passes for it."""

import csv

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mmc2f.structures import LabelTree

NAMES = st.text(
    st.characters(exclude_categories=['Cs', 'Cc', 'Z']),
    min_size=1,
    max_size=4,
)


@st.composite
def trees(draw, min_classes=1):
    """A tree of one to four levels."""
    depth = draw(st.integers(1, 4))
    sizes = [draw(st.integers(min_classes, 8))]
    parents = []
    for _ in range(depth - 1):
        above = draw(st.integers(1, sizes[-1]))
        # Each has a child, the others go anywhere.
        rest = sizes[-1] - above
        chosen = draw(
            st.lists(st.integers(0, above - 1), min_size=rest, max_size=rest)
        )
        parents.append(draw(st.permutations([*range(above), *chosen])))
        sizes.append(above)
    levels = [f'level {i}' for i in range(depth)]
    classes = [
        draw(st.lists(NAMES, min_size=size, max_size=size, unique=True))
        for size in sizes
    ]
    return LabelTree(levels, classes, parents)


def lineages(tree):
    """Names of each finest class and of its ancestors."""
    columns = [
        [tree.names(level)[i] for i in tree.ancestors(level).tolist()]
        for level in range(tree.num_levels)
    ]
    return list(zip(*columns, strict=True))


@given(tree=trees())
def test_trees_come_back(tree, tmp_path_factory):
    assert LabelTree.from_dict(tree.to_dict()) == tree
    assert LabelTree.from_buffer(tree.to_buffer()) == tree
    assert tree.describe_difference(tree) is None
    path = tmp_path_factory.mktemp('tree') / 'tree.json'
    tree.to_json(path)
    assert LabelTree.build(path) == tree


@given(tree=trees(), separator=st.sampled_from(',;\t'))
def test_trees_come_back_from_csv(tree, separator, tmp_path_factory):
    path = tmp_path_factory.mktemp('tree') / 'tree.csv'
    with path.open('w', encoding='utf-8', newline='') as file:
        # Without a separator in the header a comma is taken.
        separator = separator if tree.num_levels > 1 else ','
        writer = csv.writer(file, delimiter=separator)
        writer.writerows([tree.levels, *lineages(tree)])
    found = LabelTree.build(path)
    # Classes of the other levels are numbered as the finest meet them.
    assert found.levels == tree.levels
    assert found.names() == tree.names()
    assert lineages(found) == lineages(tree)


@given(tree=trees(min_classes=2), data=st.data())
def test_another_order_is_refused(tree, data):
    names = list(tree.names())
    tree.check_class_names(names, 'data')
    shuffled = data.draw(st.permutations(names))
    moved = [i for i, name in enumerate(shuffled) if name != names[i]]
    assume(moved)
    if len(moved) > 2:
        # One of those that moved is spelled otherwise.
        shuffled[data.draw(st.sampled_from(moved))] = 'another spelling'
    with pytest.raises(ValueError, match='another order'):
        tree.check_class_names(shuffled, 'data')


@given(tree=trees(), data=st.data())
def test_parents_that_are_no_places_are_refused(tree, data):
    assume(tree.num_levels > 1)
    content = tree.to_dict()
    links = data.draw(st.sampled_from(content['parents']))
    place = data.draw(st.integers(0, len(links) - 1))
    wrong = st.floats() | st.none() | st.text() | st.booleans()
    links[place] = data.draw(wrong | st.integers(max_value=-1))
    with pytest.raises(ValueError, match=r'^parent '):
        LabelTree.from_dict(content)
