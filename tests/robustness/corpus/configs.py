"""Values of a config that nothing could follow."""

from corpus.bench import Bench
from corpus.case import Case
from corpus.code_in_files import write_child_of


def trained(*options: str, name: str | None = None, says: str = '') -> Case:
    """Trains with options of the command line."""
    return Case(name or ' '.join(options), lambda b: b.train(*options), says)


def top(says: str, name: str = '', **values: object) -> Case:
    """Trains with values at the top of a config."""

    def run(bench: Bench) -> None:
        path = bench.folder / 'child.py'
        bench.train(config=write_child_of(bench, path, **values))

    text = ', '.join(f'{key} = {value!r}' for key, value in values.items())
    return Case(name or text, run, says)


def views(says: str, case: str, **view: object) -> Case:
    def run(bench: Bench) -> None:
        path = bench.folder / 'child.py'
        two = [dict(name='high', level='class', resolution=None), view]
        path.write_text(f'_base_ = {str(bench.world.mlph)!r}\nviews = {two!r}')
        bench.train(config=path)

    return Case(case, run, says)


def file(name: str, content: str, says: str) -> Case:
    def run(bench: Bench) -> None:
        bench.train(config=bench.write('own.py', content))

    return Case(name, run, says)


def reranking(says: str, **values: object) -> Case:
    """Tests with another re-ranking."""
    options = [f'{key}={value}' for key, value in values.items()]
    return Case(
        ' '.join(options),
        lambda b: b.test(b.world.checkpoint, '--rerank', *options),
        says,
    )


CASES = [
    top(r'stage_epochs \(1, 1\) has 2 numbers for 4', stage_epochs=(1, 1)),
    top('stage_epochs', stage_epochs=(1, 0, 1, 1)),
    top('stage_epochs', stage_epochs=(1, 1.5, 1, 1)),
    top('max_epochs 3 would be ignored.*stage_epochs', max_epochs=3),
    top(
        r'loss.*sofmax',
        'unknown loss of a stage',
        train_cfg=dict(stages=dict(joint=dict(losses=('sofmax',)))),
    ),
    top(
        r'stage "joint" names .*bakbone',
        'unknown part of a stage',
        train_cfg=dict(stages=dict(joint=dict(frozen=('bakbone',)))),
    ),
    top(
        r'stage "joint" has .*epoch',
        'unknown setting of a stage',
        train_cfg=dict(stages=dict(joint=dict(epoch=3))),
    ),
    top(
        r'5 stages .*jiont',
        'unknown stage',
        train_cfg=dict(stages=dict(jiont=dict(epochs=3))),
    ),
    top('batch_size of the config must be at least 1', batch_size=0),
    top('batch of 1 images', batch_size=1),
    top('batch_size of the config must be a whole number', batch_size='8'),
    top('images_per_class of the config must be at', images_per_class=0),
    top('num_classes of the config must be at least 1', num_classes=0),
    top('has 4 classes.*7|7.*4 classes|are 4.*7|7 classes.* 4', num_classes=7),
    top('learning_rate of the config must be finite', learning_rate=-1),
    trained(
        'learning_rate=nan', says='learning_rate of the config must be .*nan'
    ),
    top('learning_rate of the config must be', learning_rate='fast'),
    top('topm of the config must be a whole number', topm=1.5),
    top('stage_epoch.*stage_epochs', stage_epoch=(2, 2, 2, 2)),
    top('num_clases.*num_classes', num_clases=7),
    top("'frozn'", 'typo in the model', model=dict(backbone=dict(frozn=()))),
    top("'heads'", 'part of the model', model=dict(heads=dict(topk=1))),
    top(
        'mmc2f.CCRF',
        'type that there is not',
        model=dict(type='mmc2f.CCRF'),
    ),
    top(
        r'type of optim_wrapper\.optimizer is no known optimizer',
        'optimizer that there is not',
        optim_wrapper=dict(optimizer=dict(type='SGDD')),
    ),
    top(
        "'momentun'",
        'typo in the optimizer',
        optim_wrapper=dict(optimizer=dict(momentun=0.9)),
    ),
    top(
        "'batchsize'",
        'typo in a loader',
        train_dataloader=dict(batchsize=8),
    ),
    top(
        "'intervall'",
        'typo in a hook',
        default_hooks=dict(checkpoint=dict(intervall=8)),
    ),
    top(
        'num_workers.* must be at least 0',
        'workers -1',
        train_dataloader=dict(num_workers=-1),
    ),
    top(
        'test_efficientnetz',
        'network that there is not',
        model=dict(backbone=dict(model_name='test_efficientnetz')),
    ),
    top(
        r'blocks\.99',
        'layer that there is not',
        model=dict(backbone=dict(nodes=('blocks.99', 'bn2'))),
    ),
    top('max_damaged_images of the config', max_damaged_images=-1),
    top('num_folds', 'one fold', holdout=dict(num_folds=1)),
    reranking('topm', topm=0),
    reranking('t_sc', t_sc='high'),
    reranking('gate', gate='always'),
    reranking('mode', **{'rerank.mode': 'papr'}),
    reranking('whiten', whiten='zca'),
    reranking(r'none\.rerank\.json', rerank='none.rerank.json'),
    views('level', 'view of an unknown level', name='low', level='genus'),
    views(
        'resolution',
        'view of resolution 0',
        **dict(name='low', level='group', resolution=0),
    ),
    file('syntax', 'model = dict(\n', r'own\.py'),
    file('base that is missing', "_base_ = 'none.py'\n", r'none\.py'),
    file('empty', '', 'model|train'),
    file('error in the program', 'value = 1 / 0\n', r'own\.py'),
    Case(
        'missing',
        lambda b: b.train(config='none.py'),
        r'none\.py',
    ),
    Case(
        'option without =',
        lambda b: b.tool(
            'train', b.world.config, '--cfg-options', 'batch_size'
        ),
        'batch_size',
    ),
    Case(
        'option of a field that there cannot be',
        lambda b: b.train('tree.type=mmc2f.ClassClustering'),
        'options cannot be set in the config: .*tree',
    ),
    Case(
        'device that there is not',
        lambda b: b.tool(
            *('build_hierarchy', b.world.config, b.world.checkpoint),
            *('--device', 'gpu'),
        ),
        'gpu',
    ),
]
