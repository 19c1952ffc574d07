"""Facts at the top of a config, and where they go."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmc2f.apis import complete_config, load_config
from mmc2f.registry import DATASETS

CONFIGS = Path(__file__).parents[2] / 'configs'


def load(name, options=None):
    return load_config(CONFIGS / f'{name}.py', options)


def child(tmp_path, base, text):
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = '{CONFIGS}/{base}.py'\n{text}\n")
    return load_config(path)


def hook(cfg, name):
    return next(h for h in cfg.custom_hooks if h.type == name)


def test_a_child_says_only_what_is_its_own(tmp_path):
    cfg = child(
        tmp_path,
        'ccfr_grocery',
        "num_classes = 3\ndata_root = 'mine'\ntaxonomy = None\n"
        'stage_epochs = (1, 2, 3)\nlearning_rate = 0.5\nbatch_size = 6\n'
        "images_per_class = 4\nt_sc = 0.1\ntree = 'tree.json'\n"
        "train_data = dict(type='mmc2f.ImageFolder')\n"
        "test_data = dict(type='mmc2f.ImageFolder')",
    )
    assert cfg.model.num_classes == 3
    assert cfg.model.tree == 'tree.json'
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        assert dataset.type == 'mmc2f.ImageFolder'
        assert dataset.data_root == 'mine'
        assert dataset.split == ('train' if name == 'train' else 'val')
        assert len(dataset.pipeline) > 1
    assert list(cfg.train_cfg.stage_epochs) == [1, 2, 3]
    assert cfg.optim_wrapper.optimizer.lr == 0.5
    sampler = cfg.train_dataloader.sampler
    assert cfg.train_dataloader.batch_size == sampler.batch_size == 6
    assert sampler.num_images_per_class == 4
    processor = hook(cfg, 'mmc2f.ReRankHook').post_processor
    assert (processor.t_sc, processor.mode) == (0.1, 'prototypes')
    accuracy, reranked = cfg.test_evaluator
    assert accuracy.topk == (1,)
    assert 'tree' not in reranked


def test_facts_come_from_the_command_line_too():
    options = {
        'num_classes': 10,
        'data_root': 'mine',
        'stage_epochs': [1, 1],
        'channels': 7,
        'taxonomy': 'tree.json',
    }
    cfg = load('mlph_grocery', options)
    assert cfg.model.num_classes == 10
    assert cfg.model.tree == 'tree.json'
    assert cfg.model.neck.channels == 7
    assert cfg.train_cfg.stage_epochs == [1, 1]
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        assert dataset.tree == 'tree.json'
        assert dataset.dataset.data_root == 'mine'
    assert {metric.tree for metric in cfg.test_evaluator} == {'tree.json'}
    assert cfg.val_evaluator.tree == 'tree.json'


def write_written_out(path, epochs):
    """A config whose stages stand in a hook, as ours once had."""
    stages = [dict(name=str(i), epochs=n) for i, n in enumerate(epochs)]
    hooks = [dict(type='mmc2f.TrainingStageHook', stages=stages)]
    path.write_text(
        f'train_cfg = dict(by_epoch=True, max_epochs={sum(epochs)})\n'
        f'custom_hooks = {hooks if epochs else []!r}\n'
        'stage_epochs = (1, 2, 3)\n'
    )
    return path


@pytest.mark.parametrize('epochs', [(), (1, 2), (1, 2, 4)])
def test_stage_epochs_that_nothing_follows_are_refused(tmp_path, epochs):
    path = write_written_out(tmp_path / 'own.py', epochs)
    message = r'stage_epochs \(1, 2, 3\) would be ignored'
    with pytest.raises(ValueError, match=message):
        load_config(path)


def test_stage_epochs_may_stand_beside_stages_of_these_lengths(tmp_path):
    cfg = load_config(write_written_out(tmp_path / 'own.py', (1, 2, 3)))
    assert cfg.train_cfg.max_epochs == 6


def test_a_plain_fine_tune_lasts_max_epochs():
    stages = load('baseline_grocery', {'max_epochs': 3}).train_cfg.stages
    assert stages.finetune.epochs == 3
    assert stages.finetune.min_iters == 0


@pytest.mark.parametrize(
    ('name', 'options', 'reason'),
    [
        ('ccfr_fonts', {}, "stage 'finetune', which .* give stage_epochs"),
        ('ccfr_fonts', {'train_cfg.stages': []}, 'its stages are a list'),
        ('baseline_grocery', {'stage_epochs': [1, 2]}, 'since stage_epochs'),
    ],
)
def test_max_epochs_that_nothing_follows_are_refused(name, options, reason):
    message = f'max_epochs 3 would be ignored.*{reason}'
    with pytest.raises(ValueError, match=message):
        load(name, {'max_epochs': 3} | options)


def test_max_epochs_beside_those_of_a_plain_loop():
    cfg = Config(dict(max_epochs=3, train_cfg=dict(max_epochs=5)))
    with pytest.raises(ValueError, match=r'train_cfg\.max_epochs is 5'):
        complete_config(cfg)
    cfg.train_cfg.max_epochs = 3
    complete_config(cfg)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('model = dict(', 'SyntaxError'),
        ('value = 1 / 0', 'ZeroDivisionError: division by zero'),
    ],
)
def test_a_file_that_is_no_config_is_named(tmp_path, text, reason):
    path = tmp_path / 'own.py'
    path.write_text(text)
    with pytest.raises(ValueError, match=rf'own\.py cannot .*{reason}') as got:
        load_config(path)
    assert '\n' not in str(got.value)


@pytest.mark.parametrize(
    'option', ['tree.type', 'custom_hooks.99.type', 'num_classes.a.b']
)
def test_an_option_below_what_has_no_fields_is_refused(option):
    with pytest.raises(ValueError, match='options cannot be set'):
        load('ccfr_fonts', {'tree': 'fonts', option: 'x'})


def test_a_name_that_is_almost_a_fact_is_refused():
    with pytest.raises(ValueError, match='write num_classes'):
        load('ccfr_fonts', {'num_clases': 7})


@pytest.mark.parametrize(
    ('field', 'fact'),
    [
        ('model.num_classes', 'num_classes'),
        ('train_dataloader.batch_size', 'batch_size'),
        ('optim_wrapper.optimizer.lr', 'learning_rate'),
    ],
)
def test_an_option_for_a_field_goes_before_a_fact(field, fact):
    value = load('ccfr_fonts', {field: 7, fact: 5})
    for name in field.split('.'):
        value = value[name]
    assert value == 7


def test_what_a_loader_says_itself_is_kept(tmp_path):
    cfg = child(
        tmp_path,
        'mlph_fonts',
        "train_dataloader = dict(dataset=dict(tree='mine.json',\n"
        "    dataset=dict(data_root='there')))\n"
        "val_data = dict(type='mmc2f.ImageFolder', split='val')\n"
        "test_dataloader = dict(dataset=dict(dataset=dict(type='CUB')))",
    )
    trained = cfg.train_dataloader.dataset
    assert trained.tree == 'mine.json'
    assert trained.dataset == dict(
        type='mmc2f.ImageFolder', split='train', data_root='there'
    )
    assert cfg.val_dataloader.dataset.dataset.split == 'val'
    # Another kind of data set takes none of ours.
    assert cfg.test_dataloader.dataset.dataset == dict(type='CUB')


def test_twice_changes_nothing_and_a_dump_loads(tmp_path):
    for name in ('ccfr_cub', 'mlph_fonts', 'baseline_grocery'):
        cfg = load(name)
        once = cfg.to_dict()
        complete_config(cfg)
        assert cfg.to_dict() == once
        cfg.dump(tmp_path / 'dumped.py')
        assert load_config(tmp_path / 'dumped.py').to_dict() == once


@pytest.mark.parametrize(
    ('rerank', 'expected'),
    [
        ('auto', dict(params='auto')),
        ('other.rerank.json', dict(params='other.rerank.json')),
        (dict(mode='kernel', tau=0.1), dict(mode='kernel', tau=0.1)),
    ],
)
def test_another_rule_of_reranking_replaces_the_first(rerank, expected):
    cfg = load('ccfr_grocery', dict(rerank=rerank, whiten='lda', topn=3))
    processor = hook(cfg, 'mmc2f.ReRankHook').post_processor.to_dict()
    assert processor.pop('type') == 'mmc2f.ReRankPostProcessor'
    assert processor == dict(expected, topn=3)
    assert hook(cfg, 'mmc2f.ReRankHook').gallery.whiten == 'lda'


@pytest.mark.parametrize('said', [dict(topn=3), dict(whiten='pca')])
def test_tuned_parameters_do_not_replace_what_a_person_says(said):
    processor = hook(load('ccfr_grocery'), 'mmc2f.ReRankHook').post_processor
    assert processor.params == 'if_tuned'
    processor = hook(
        load('ccfr_grocery', said), 'mmc2f.ReRankHook'
    ).post_processor
    assert 'params' not in processor
    assert processor.mode == 'prototypes'


def test_images_are_held_out_of_the_training():
    cfg = load('ccfr_grocery', {'holdout.num_folds': 5})
    dataset = cfg.train_dataloader.dataset
    assert dataset.type == 'mmc2f.HoldOut' and dataset.num_folds == 5
    assert dataset.dataset.type == 'mmc2f.GroceryStore'
    assert 'HoldOut' not in cfg.test_dataloader.dataset.type


def test_configs_of_others_pass_unchanged():
    content = dict(
        num_classes=3,
        max_epochs=2,
        batch_size=8,
        images_per_class=2,
        tree='tree.json',
        model=dict(type='mmpretrain.ImageClassifier', head=dict()),
        # As this package's configs were: the batch is not of batch_size.
        train_dataloader=dict(
            batch_size=6,
            dataset=dict(type='CUB', data_root='mine'),
            sampler=dict(
                type='mmc2f.PKSampler',
                num_classes_per_batch=2,
                num_images_per_class=3,
            ),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=2),
        val_evaluator=dict(type='Accuracy', topk=1),
    )
    cfg = Config(content)
    complete_config(cfg)
    assert cfg.to_dict() == content
    complete_config(Config(dict(learning_rate=1)))


def test_a_config_read_without_its_facts_says_so():
    cfg = Config.fromfile(CONFIGS / 'ccfr_fonts.py')
    dataset = cfg.test_dataloader.dataset
    with pytest.raises(ValueError, match=r'mmc2f\.apis\.load_config'):
        DATASETS.build(dataset)
