"""Hierarchies and lists of classes, in tables and JSON."""

import json

from tiny_ccfr import CLASSES, TREE

from corpus.bench import Bench
from corpus.case import Case

GROUPS = ('warm', 'cold', 'cold', 'warm')
ROWS = [('class', 'group'), *zip(CLASSES, GROUPS, strict=True)]
READ = r'LabelTree\(class: 4, group: 2\)'


def table(separator: str = ',', rows=None, end: str = '\n') -> str:
    return ''.join(separator.join(row) + end for row in rows or ROWS)


def build(name: str, content: bytes | str):
    """Reads the tree in a program."""

    def run(bench: Bench) -> None:
        from mmc2f.structures import LabelTree

        path = bench.write(name, content)
        bench.api('LabelTree.build', lambda: LabelTree.build(str(path)))

    return run


def trained(name: str, content: bytes | str):
    """Trains with the tree."""
    return lambda b: b.train(f'tree={b.write(name, content)}')


def changed(**changes: object) -> str:
    return json.dumps({**TREE, **changes})


def parents(*values: object) -> str:
    return changed(parents=[list(values)])


def bad_csv(name: str, content: bytes | str, says: str) -> Case:
    says = r'tree\.csv' + says
    return Case(f'csv, {name}', trained('tree.csv', content), says)


def bad_json(name: str, content: bytes | str, says: str) -> Case:
    return Case(f'json, {name}', trained('tree.json', content), says)


def good(name: str, file: str, content: bytes | str) -> Case:
    return Case(name, build(file, content), READ, refuses=False)


def of_classes(*names: str) -> str:
    return changed(classes=[list(names), ['warm', 'cold']])


def classes_file(content: bytes | str):
    def run(bench: Bench) -> None:
        path = bench.write('classes.txt', content)
        bench.train(f'train_data.classes={path}')

    return run


def reference(bench: Bench) -> None:
    tree = bench.write('known.csv', table(rows=[*ROWS, ('elk', 'warm')]))
    bench.tool(
        *('build_hierarchy', bench.world.config, bench.world.checkpoint),
        *('--reference', tree),
    )


LATIN_1 = table().replace('amber', 'ambré').encode('latin-1')
CASES = [
    good('csv, semicolons', 'tree.csv', table(';')),
    good('csv, tabs', 'tree.csv', table('\t')),
    good('csv, byte order mark', 'tree.csv', table().encode('utf-8-sig')),
    good('csv, UTF-16', 'tree.csv', table().encode('utf-16')),
    good('csv, ends of Windows', 'tree.csv', table(end='\r\n')),
    bad_csv('empty', '', ''),
    bad_csv('header alone', 'class,group\n', ' has a header but no class'),
    bad_csv('extra cell', table() + 'elk,warm,x\n', ', row 6: cell 3'),
    bad_csv('cell missing', table() + 'elk\n', ", row 6: 'group' is empty"),
    bad_csv('Latin-1', LATIN_1, ', row 2: .*Latin-1.*ambré'),
    bad_csv('NUL', table().replace('dun', 'd\0n'), ', row 5: a NUL'),
    bad_csv('quote not closed', table() + '"elk,warm\n', ', row 6: '),
    bad_csv(
        'two separators', table(rows=[('class;x', 'group')]), ', row 1: .*not'
    ),
    bad_csv('column twice', 'class,class\na,b\n', ', row 1: 2 columns'),
    bad_csv('class twice', table() + 'dun,warm\n', ", row 6: class 'dun'"),
    bad_csv(
        'two parents',
        'class,group,top\na,x,p\nb,x,q\n',
        ", row 3: group 'x' has two parents",
    ),
    bad_csv(
        'gap in the ids',
        'class_id,class,group\n0,a,x\n2,b,x\n',
        ', row 3: gap',
    ),
    bad_csv('id that is none', 'class_id,class\n1.5,a\n', ', row 2: .*whole'),
    bad_json('empty', '', r'tree\.json, line 1: no whole JSON'),
    bad_json('cut short', changed()[:40], r'tree\.json, line 1: no whole'),
    bad_json('list', '[1, 2]', r'tree\.json'),
    bad_json('parent 0.7', parents(0, 1, 1, 0.7), r"json.*'dun' must be a wh"),
    bad_json('parent "1"', parents(0, '1', 1, 0), r"json.*'blue' must be a w"),
    bad_json('parent null', parents(0, 1, None, 0), r"json.*'cyan' must be a"),
    bad_json('parent true', parents(0, 1, True, 0), r"json.*'cyan' must be a"),
    bad_json('parent 2', parents(0, 1, 2, 0), r"json.*parent 2 of .*'cyan'"),
    bad_json('parent -1', parents(0, 1, -1, 0), r"json.*parent -1 of .*'cyan"),
    bad_json('parent missing', parents(0, 1, 1), r'json.*4 classes but 3 par'),
    bad_json('no child', parents(0, 0, 0, 0), r"json.*'cold' .*has no child"),
    bad_json('no parents', json.dumps(dict(levels=['a'])), r'tree\.json'),
    bad_json(
        'class twice',
        of_classes('dun', 'blue', 'cyan', 'dun'),
        r"json.*both called 'dun'",
    ),
    bad_json('number as class', of_classes('a', 'b', 'c', 4), r'json.*got 4'),
    bad_json(
        'other order',
        of_classes('blue', 'amber', 'cyan', 'dun'),
        r"class 0 is 'amber' in ImageFolder, but 'blue' in the hierarchy",
    ),
    Case(
        'json, class spelled otherwise',
        trained('tree.json', of_classes('ambre', 'blue', 'cyan', 'dun')),
        r"1 of 4 classes of \w+ are called otherwise .*'amber' for 'ambre'",
        refuses=False,
    ),
    bad_json(
        'class spelled otherwise, two in another order',
        of_classes('ambre', 'cyan', 'blue', 'dun'),
        r"class 1 is 'blue' in ImageFolder, but 'cyan' in the hierarchy",
    ),
    Case(
        'missing',
        lambda b: b.train('tree=none.json'),
        r'none\.json.*not exist',
    ),
    Case('unknown name', lambda b: b.train('tree=birdz'), 'birdz'),
    Case(
        'list of classes, one twice',
        classes_file('amber\nblue\namber\ndun\n'),
        r"classes\.txt lists 'amber' twice",
    ),
    Case(
        'list of classes, Latin-1',
        classes_file('ambré\nblue\n'.encode('latin-1')),
        r'classes\.txt, row 1: .*Latin-1',
    ),
    Case('list of classes, empty', classes_file(''), 'lists no class'),
    Case(
        'list of classes, one missing',
        classes_file('amber\nblue\ncyan\n'),
        r"directories that are no classes: 'dun'",
    ),
    Case('reference with a class more', reference, 'has 4 classes.* has 5'),
]
