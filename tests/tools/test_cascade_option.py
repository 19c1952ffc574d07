"""``tools/test.py --cascade``: the hook that it adds, and what it refuses."""

from argparse import Namespace

import pytest
from mmengine.config import Config
from tool_helpers import load_tool

tool = load_tool('test.py')


def given(cascade, boxes=None, annotations=None):
    return Namespace(cascade=cascade, boxes=boxes, annotations=annotations)


def config(*hooks):
    return Config(dict(custom_hooks=list(hooks)))


@pytest.mark.parametrize(
    ('word', 'threshold'), [('auto', 'auto'), ('0.9', 0.9), ('1', 1.0)]
)
def test_hook_takes_the_place_of_another(word, threshold):
    other = dict(type='mmc2f.ReRankHook')
    cfg = config(dict(type=tool.CASCADE, threshold=0.1), other)
    tool.set_cascade(cfg, given(word))
    assert cfg.custom_hooks == [
        other,
        dict(type='mmc2f.CascadeHook', threshold=threshold),
    ]


def test_without_the_option_the_config_stays():
    cfg = config(dict(type=tool.CASCADE, threshold=0.1))
    tool.set_cascade(cfg, given(None, boxes='boxes.json'))
    assert cfg.custom_hooks == [dict(type=tool.CASCADE, threshold=0.1)]


@pytest.mark.parametrize('word', ['high', '1.5', '-1', 'nan'])
def test_thresholds_are_probabilities(word):
    with pytest.raises(SystemExit, match=f'got {word}'):
        tool.set_cascade(config(), given(word))


@pytest.mark.parametrize(
    'asked', [dict(boxes='boxes.json'), dict(annotations='CUB')]
)
def test_boxes_are_of_all_images(asked):
    with pytest.raises(SystemExit, match='leave --cascade out'):
        tool.set_cascade(config(), given('auto', **asked))
