import pytest

from mmc2f.models.navigators.fpn_navigator_head import translate_pyramid_keys

LAYOUTS = {
    'torchvision': ('fpn.inner_blocks.{}.0.{}', 'fpn.layer_blocks.{}.0.{}'),
    'mmdet': ('neck.lateral_convs.{}.conv.{}', 'neck.fpn_convs.{}.conv.{}'),
    'in a list': (
        'neck.0.lateral_convs.{}.conv.{}',
        'neck.0.fpn_convs.{}.conv.{}',
    ),
}
REST = ['conv.weight', 'score.0.bias']


def keys(layout):
    return [
        pattern.format(level, name)
        for pattern in LAYOUTS[layout]
        for level in (0, 1)
        for name in ('weight', 'bias')
    ]


@pytest.mark.parametrize('target', LAYOUTS)
@pytest.mark.parametrize('source', LAYOUTS)
@pytest.mark.parametrize('prefix', ['', 'navigator.'])
def test_each_weight_gets_the_name_of_the_reader(prefix, source, target):
    others = {'backbone.x': 'x', f'other.{keys(source)[0]}': 'y'}
    state = {prefix + key: i for i, key in enumerate(keys(source) + REST)}
    state.update(others)
    translate_pyramid_keys(state, prefix, keys(target) + REST)
    expected = {prefix + key: i for i, key in enumerate(keys(target) + REST)}
    assert state == {**expected, **others}


def test_what_the_reader_lacks_keeps_its_name():
    extra = 'neck.fpn_convs.2.conv.weight'
    norm = 'neck.lateral_convs.0.bn.weight'
    state = {extra: 0, norm: 1, keys('mmdet')[0]: 2}
    translate_pyramid_keys(state, '', keys('torchvision'))
    assert state == {extra: 0, norm: 1, keys('torchvision')[0]: 2}


def test_a_weight_that_is_there_already_is_not_replaced():
    own, other = keys('torchvision')[0], keys('mmdet')[0]
    state = {own: 0, other: 1}
    translate_pyramid_keys(state, '', keys('torchvision'))
    assert state == {own: 0, other: 1}
