"""How many damaged images a training passes over."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmc2f.apis import load_config
from mmc2f.apis.damage_limit import apply_damage_limit

CONFIGS = Path(__file__).parents[2] / 'configs'


def first_steps(cfg):
    """Loading of training and test, inside of wrappers."""
    found = []
    for split in ('train', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        while 'pipeline' not in dataset:
            dataset = dataset.dataset
        found.append(dataset.pipeline[0].to_dict())
    return found


@pytest.mark.parametrize('name', ['ccfr_fonts', 'mlph_fonts', 'ccfr_cub'])
def test_shipped_configs_skip_in_training_alone(name):
    train, test = first_steps(load_config(CONFIGS / f'{name}.py'))
    assert train == dict(
        type='mmc2f.LoadImage', on_error='skip', max_skipped=10
    )
    assert 'on_error' not in test


@pytest.mark.parametrize('holdout', [{}, {'holdout.num_folds': 5}])
def test_none_is_skipped_where_the_limit_is_0(holdout):
    options = dict(max_damaged_images=0) | holdout
    train, _ = first_steps(load_config(CONFIGS / 'ccfr_fonts.py', options))
    assert (train['on_error'], train['max_skipped']) == ('raise', None)


def config(step, **facts):
    loader = dict(dataset=dict(datasets=[dict(pipeline=[dict(step)])]))
    loaders = {f'{x}_dataloader': loader for x in ('train', 'val', 'test')}
    return Config(dict(**loaders, **facts))


def steps(cfg):
    return [
        cfg[f'{x}_dataloader'].dataset.datasets[0].pipeline[0].to_dict()
        for x in ('train', 'val', 'test')
    ]


def test_what_a_step_says_itself_is_kept_unless_replaced():
    step = dict(type='mmc2f.LoadImage', on_error='skip', max_skipped=3)
    cfg = config(step, max_damaged_images=7)
    apply_damage_limit(cfg)
    train, val, test = steps(cfg)
    assert train == step
    # Nothing is left out of what is measured.
    assert val == test == dict(step, on_error='raise')
    apply_damage_limit(cfg, replaces=True)
    assert steps(cfg)[0] == dict(step, max_skipped=7)


def test_option_goes_before_a_dump(tmp_path):
    load_config(CONFIGS / 'ccfr_fonts.py').dump(tmp_path / 'dump.py')
    options = dict(max_damaged_images=2)
    train, _ = first_steps(load_config(tmp_path / 'dump.py', options))
    assert train['max_skipped'] == 2


def test_other_loaders_and_configs_without_the_fact_are_left_alone():
    for step, facts in (
        (dict(type='LoadImageFromFile'), dict(max_damaged_images=7)),
        (dict(type='mmc2f.LoadImage'), {}),
    ):
        cfg = config(step, **facts)
        before = cfg.to_dict()
        apply_damage_limit(cfg)
        assert cfg.to_dict() == before
    apply_damage_limit(Config(dict(max_damaged_images=7)))
