import copy
import io

import pytest
import timm
import torch
import torchvision
from crafted_files import write_crafted
from torch import nn

from mmc2f.models import FeatureTap
from mmc2f.registry import MODELS
from mmc2f.weights import UntrustedFileError

NODES = ('blocks.2', 'blocks.3', 'bn2')


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64)


@pytest.fixture
def tap():
    return FeatureTap('test_efficientnet', NODES)


def captured(network, names, images):
    """Outputs of modules, taken with hooks instead of a traced graph."""
    found = {}
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda _, __, output, name=name: found.setdefault(name, output)
        )
    network(images)
    return [found[name] for name in names]


def assert_same_maps(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize('training', [True, False])
def test_maps_are_those_of_timm(tap, images, training):
    network = timm.create_model('test_efficientnet')
    network.load_state_dict(tap.model.state_dict(), strict=False)
    network.train(training)
    maps = tap.train(training)(images)
    assert_same_maps(maps, captured(network, NODES, images))
    assert [x.shape[-1] for x in maps] == [8, 4, 2]


def test_maps_are_those_of_torchvision(images):
    nodes = ('layer3', 'layer4')
    tap = FeatureTap('resnet18', nodes, source='torchvision').eval()
    network = torchvision.models.resnet18().eval()
    network.load_state_dict(tap.model.state_dict(), strict=False)
    assert_same_maps(tap(images), captured(network, nodes, images))


def test_nodes_are_returned_in_the_order_asked_for(tap, images):
    other = FeatureTap('test_efficientnet', NODES[::-1]).eval()
    other.load_state_dict(tap.state_dict())
    assert_same_maps(other(images), tap.eval()(images)[::-1])


def test_what_the_nodes_do_not_need_is_left_out():
    tap = FeatureTap('test_efficientnet', ('blocks.2',))
    names = dict(tap.model.named_parameters())
    assert not [n for n in names if n.startswith(('blocks.3', 'classifier'))]


@pytest.mark.parametrize('training', [True, False])
def test_channels_last_gives_the_same_values(tap, images, training):
    other = FeatureTap('test_efficientnet', NODES, channels_last=True)
    other.load_state_dict(tap.state_dict())
    maps = other.train(training)(images)
    assert_same_maps(maps, tap.train(training)(images))
    assert maps[0].is_contiguous(memory_format=torch.channels_last)


def test_arguments_reach_the_builder_of_the_library(images):
    tap = FeatureTap('test_efficientnet', ('bn2',), in_chans=1)
    assert tap.eval()(images[:, :1])[0].shape == (2, 256, 2, 2)
    tap = FeatureTap(
        'resnet18',
        ('layer1',),
        source='torchvision',
        replace_stride_with_dilation=None,
        num_classes=3,
    )
    assert tap.eval()(images)[0].shape == (2, 64, 16, 16)


def test_norm_eval_keeps_the_running_statistics(images):
    tap = FeatureTap('test_efficientnet', NODES, norm_eval=True).train()
    before = copy.deepcopy(tap.state_dict())
    maps = tap(images)
    assert tap.training
    assert_same_maps(maps, tap.eval()(images))
    after = tap.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_without_norm_eval_the_statistics_follow_the_batch(tap, images):
    before = tap.model.bn2.running_mean.clone()
    tap.train()(images)
    assert not torch.equal(before, tap.model.bn2.running_mean)
    assert tap.model.bn2.num_batches_tracked == 1


def test_a_norm_set_to_evaluation_from_outside_stays_so(tap, images):
    """The training stages do this to a backbone that is traced."""
    tap.train()
    for module in tap.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    maps = tap(images)
    assert_same_maps(maps, tap.eval()(images))


def test_pretrained_reads_the_names_of_the_library(tmp_path, images):
    torch.manual_seed(1)
    network = timm.create_model('test_efficientnet').eval()
    path = tmp_path / 'weights.pth'
    torch.save(network.state_dict(), path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    tap = MODELS.build(
        dict(
            type='mmc2f.FeatureTap',
            model_name='test_efficientnet',
            nodes=NODES,
            init_cfg=init_cfg,
        )
    ).eval()
    expected = captured(network, NODES, images)
    assert not torch.allclose(tap(images)[-1], expected[-1])
    tap.init_weights()
    assert_same_maps(tap(images), expected)


def test_weights_are_not_read_a_second_time(tmp_path):
    network = timm.create_model('test_efficientnet')
    path = tmp_path / 'weights.pth'
    torch.save(network.state_dict(), path)
    init_cfg = dict(type='Pretrained', checkpoint=str(path))
    tap = FeatureTap('test_efficientnet', NODES, init_cfg=init_cfg)
    tap.init_weights()
    nn.init.zeros_(tap.model.conv_stem.weight)
    tap.init_weights()
    assert not tap.model.conv_stem.weight.any()


def test_without_init_cfg_the_weights_stay(tap):
    before = tap.model.conv_stem.weight.clone()
    tap.init_weights()
    assert torch.equal(before, tap.model.conv_stem.weight)


def test_missing_checkpoint_is_named_with_a_way_out(tmp_path):
    missing = str(tmp_path / 'none.pth')
    init_cfg = dict(type='Pretrained', checkpoint=missing)
    tap = FeatureTap('test_efficientnet', NODES, init_cfg=init_cfg)
    with pytest.raises(FileNotFoundError, match=r'none\.pth.*init_cfg'):
        tap.init_weights()


@pytest.mark.parametrize(
    ('name', 'source'),
    [('test_efficientnet', 'timm'), ('resnet18', 'torchvision')],
)
def test_unknown_node_is_named_with_those_there_are(name, source):
    with pytest.raises(ValueError, match=r'block9.*bn1'):
        FeatureTap(name, ('bn1', 'block9'), source=source)


@pytest.mark.parametrize('source', ['timm', 'torchvision'])
def test_unknown_network_is_named_with_one_like_it(source):
    message = f'{source} has no network .resnet81.; do you mean .*resnet18'
    with pytest.raises(ValueError, match=message):
        FeatureTap('resnet81', ('bn1',), source=source)


def test_file_that_timm_reads_is_named_where_it_is_refused(tmp_path):
    path = write_crafted(tmp_path / 'a.pth', tmp_path / 'marker')
    with pytest.raises(UntrustedFileError, match=r'a\.pth is refused'):
        FeatureTap('test_efficientnet', NODES, checkpoint_path=str(path))
    assert not (tmp_path / 'marker').exists()


def test_unknown_source():
    with pytest.raises(ValueError, match=r"'timm' or 'torchvision'.*'hub'"):
        FeatureTap('resnet18', ('bn1',), source='hub')


def test_a_copy_has_weights_of_its_own(tap, images):
    tap.eval()
    copied = copy.deepcopy(tap)
    assert_same_maps(copied(images), tap(images))
    nn.init.zeros_(copied.model.conv_stem.weight)
    assert tap.model.conv_stem.weight.any()
    assert not torch.allclose(copied(images)[-1], tap(images)[-1])


def test_a_copy_still_changes_between_training_and_evaluation(images):
    tap = FeatureTap('mobilenet_v3_small', ('features.12',), 'torchvision')
    copied = copy.deepcopy(tap).train()
    copied.eval()
    assert_same_maps(copied(images), copied(images))
    assert torch.equal(copied(images)[0], tap.eval()(images)[0])


def test_state_dict_survives_a_file(tap, images):
    file = io.BytesIO()
    torch.save(tap.state_dict(), file)
    file.seek(0)
    torch.manual_seed(5)
    other = FeatureTap('test_efficientnet', NODES).eval()
    other.load_state_dict(torch.load(file, weights_only=True))
    assert_same_maps(other(images), tap.eval()(images))
    assert all(name.startswith('model.') for name in tap.state_dict())


TRANSFORMERS = {
    'vit': (
        'test_vit',
        dict(img_size=64, dynamic_img_size=True),
    ),
    'swin': (
        'swin_tiny_patch4_window7_224',
        dict(
            embed_dim=8,
            depths=(1, 1, 2, 1),
            num_heads=(1, 1, 2, 2),
            window_size=2,
            img_size=64,
            strict_img_size=False,
        ),
    ),
}


@pytest.fixture(params=list(TRANSFORMERS))
def transformer(request):
    return TRANSFORMERS[request.param]


@pytest.mark.parametrize('size', [64, 32, 96])
def test_numbered_maps_are_those_of_timm(transformer, size):
    """Also of images of another size than the network was made for."""
    name, kwargs = transformer
    tap = FeatureTap(name, (-2, -1), final_norm=True, **kwargs).eval()
    network = timm.create_model(name, num_classes=0, **kwargs).eval()
    network.load_state_dict(tap.model.state_dict(), strict=False)
    images = torch.randn(2, 3, size, size)
    tokens = network.forward_features(images)
    if tokens.ndim == 3:
        side = size // 16
        tokens = tokens[:, network.num_prefix_tokens :]
        tokens = tokens.unflatten(1, (side, side))
    maps = tap(images)
    torch.testing.assert_close(maps[-1], tokens.permute(0, 3, 1, 2))
    assert len(maps) == 2
    assert tap.nodes[1] == tap.nodes[0] + 1


def test_numbers_and_names_give_the_same_maps(images):
    named = FeatureTap('test_convnext', ('stages.1', 'stages.3')).eval()
    numbered = FeatureTap('test_convnext', (1, 3)).eval()
    numbered.load_state_dict(named.state_dict())
    assert_same_maps(numbered(images), named(images))
    numbered.nodes = (3, 1)
    assert_same_maps(numbered(images), named(images)[::-1])


def test_blocks_after_the_last_number_are_left_out():
    name, kwargs = TRANSFORMERS['vit']
    tap = FeatureTap(name, (0, 1), **kwargs)
    names = [n for n, _ in tap.model.named_parameters()]
    assert not [n for n in names if n.startswith(('blocks.2', 'norm', 'head'))]
    tap = FeatureTap(name, (0, 1), final_norm=True, **kwargs)
    assert 'norm.weight' in dict(tap.model.named_parameters())


def test_weights_of_the_library_are_read_behind_numbers(tmp_path):
    name, kwargs = TRANSFORMERS['vit']
    network = timm.create_model(name, **kwargs)
    nn.init.ones_(network.blocks[0].attn.qkv.weight)
    file = tmp_path / 'vit.pth'
    torch.save(network.state_dict(), file)
    init_cfg = dict(type='Pretrained', checkpoint=str(file))
    tap = FeatureTap(name, (-1,), init_cfg=init_cfg, **kwargs)
    tap.init_weights()
    for key, value in tap.model.state_dict().items():
        assert torch.equal(value, network.state_dict()[key])


def test_named_tokens_are_no_map():
    name, kwargs = TRANSFORMERS['vit']
    tap = FeatureTap(name, ('blocks.1',), **kwargs)
    with pytest.raises(ValueError, match=r"'blocks.1' gives tokens.*numbers"):
        tap(torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize(
    ('nodes', 'kwargs', 'message'),
    [
        (('stages.1', 2), {}, 'all names or all numbers'),
        ((-1, 9), {}, r'not all of the nodes.*9.*out of range'),
        (('stages.1',), dict(final_norm=True), 'final_norm is for nodes'),
    ],
)
def test_nodes_that_do_not_go_together(nodes, kwargs, message):
    with pytest.raises(ValueError, match=message):
        FeatureTap('test_convnext', nodes, **kwargs)


def test_numbers_of_a_network_that_has_none():
    with pytest.raises(ValueError, match=r'resnet18 cannot number.*by name'):
        FeatureTap('resnet18', (-1,), source='torchvision')


def test_frozen_modules_stay_as_they_are():
    tap = FeatureTap(
        'test_efficientnet', ('blocks.3', 'bn2'), frozen=('conv_stem', 'bn1')
    ).train()
    network = tap.model
    assert not network.bn1.training
    assert network.blocks.get_submodule('0.0.bn1').training
    before = network.bn1.running_mean.clone()
    sum(x.mean() for x in tap(torch.randn(2, 3, 32, 32))).backward()
    assert network.conv_stem.weight.grad is None
    assert torch.equal(network.bn1.running_mean, before)
    assert tap.eval().train().model.bn1.training is False


def test_an_unknown_module_to_freeze():
    with pytest.raises(ValueError, match=r"no module 'stem' to freeze.*bn1"):
        FeatureTap('test_efficientnet', ('bn2',), frozen=('stem',))
