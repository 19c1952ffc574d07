"""Each choice that lets numbers differ is named, and nothing else."""

import pytest
from mmengine.config import Config

from mmc2f.engine import nondeterminism
from mmc2f.engine.nondeterminism import (
    nondeterministic_choices,
    warn_of_nondeterminism,
)


def config(**changes):
    cfg = Config(
        dict(
            randomness=dict(seed=0, deterministic=True),
            env_cfg=dict(cudnn_benchmark=False),
            train_cfg=dict(type='mmc2f.StagedTrainLoop', stages=dict()),
            train_dataloader=dict(dataset=dict(pipeline=[dict(type='Flip')])),
            custom_hooks=[
                dict(type='mmc2f.ReRankHook', gallery=dict(index='Flat'))
            ],
        )
    )
    cfg.merge_from_dict(changes)
    return cfg


def gallery(**options):
    return [dict(type='mmc2f.ReRankHook', gallery=dict(options))]


CHOICES = [
    ({'randomness.seed': None}, 'randomness.seed', dict(trains=True)),
    ({'train_cfg.type': 'EpochBasedTrainLoop'}, 'EpochB', dict(trains=True)),
    (
        {
            'train_dataloader.dataset.pipeline': [
                dict(type='Apply', transforms=[dict(type='x.Albumentations')])
            ]
        },
        'Albumentations in the training pipeline',
        dict(trains=True),
    ),
    (
        {'randomness.deterministic': False},
        'randomness.deterministic',
        dict(on_gpu=True),
    ),
    (
        {'env_cfg.cudnn_benchmark': True},
        'env_cfg.cudnn_benchmark',
        dict(on_gpu=True),
    ),
    ({'custom_hooks': gallery(index='HNSW32')}, 'index HNSW32', {}),
    (
        {'custom_hooks': gallery(index=dict(factory='HNSW16,Flat'))},
        'index HNSW16,Flat',
        {},
    ),
    ({'custom_hooks': gallery(index_type='HNSW')}, 'index HNSW', {}),
]


@pytest.mark.parametrize(('change', 'text', 'where'), CHOICES)
@pytest.mark.parametrize('on_gpu', [False, True])
@pytest.mark.parametrize('trains', [False, True])
def test_a_choice_is_named_where_it_counts(
    change, text, where, on_gpu, trains
):
    here = dict(on_gpu=on_gpu, trains=trains)
    choices = nondeterministic_choices(config(**change), **here)
    counts = all(here[name] for name in where)
    assert len(choices) == counts
    assert not counts or text in choices[0]


@pytest.mark.parametrize('on_gpu', [False, True])
def test_nothing_is_named_where_all_is_set(on_gpu, monkeypatch):
    device = 'cuda' if on_gpu else 'cpu'
    monkeypatch.setattr(nondeterminism, 'get_device', lambda: device)
    logged = []
    monkeypatch.setattr(
        nondeterminism, 'print_log', lambda text, **_: logged.append(text)
    )
    warn_of_nondeterminism(config(), trains=True)
    assert not logged
    warn_of_nondeterminism(Config(dict()), trains=True)
    [text] = logged
    assert text.count(';') == (2 if on_gpu else 1)
