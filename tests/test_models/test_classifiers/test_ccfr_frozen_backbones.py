"""CCFR trained with a backbone that rests, or that learns by LoRA alone."""

import copy
from pathlib import Path

import pytest
import tiny_ccfr
import torch
from mmengine.runner import Runner, load_checkpoint
from mmpretrain.structures import DataSample
from tiny_backbones import FAMILIES, ccfr_config

from mmc2f.registry import MODELS
from mmc2f.retrieval import fingerprint

#: Stages that leave the backbone alone from first to last.
FROZEN_STAGES = [
    dict(stage, frozen=(*stage.get('frozen', ()), 'backbone'))
    for stage in tiny_ccfr.STAGES
]


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return tiny_ccfr.write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """Files of random weights: under LoRA the weights have to be some."""
    folder = tmp_path_factory.mktemp('weights')
    for family in ('vit', 'timm_vit'):
        torch.manual_seed(3)
        network = MODELS.build(copy.deepcopy(FAMILIES[family][0]))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        network = getattr(network, 'model', network)
        torch.save(network.state_dict(), folder / f'{family}.pth')
    return folder


def lora_config(family: str, pretrained: Path) -> dict:
    """The tiny CCFR on a backbone that learns by LoRA."""
    config = ccfr_config(family)
    weights = str(pretrained / f'{family}.pth')
    module = dict(
        config['backbone'],
        init_cfg=dict(type='Pretrained', checkpoint=weights),
    )
    config['backbone'] = dict(
        type='mmpretrain.LoRAModel',
        module=module,
        rank=2,
        alpha=2,
        targets=[dict(type=r'.*\.qkv')],
    )
    return config


def experiment(images, work_dir, model, stages=tiny_ccfr.STAGES):
    """One epoch of each stage, without validation."""
    cfg = tiny_ccfr.tiny_config(images, work_dir, stages=stages)
    cfg.model = model
    cfg.train_cfg.val_interval = 10
    cfg.custom_hooks.append(dict(type='mmc2f.PlainCheckpointHook'))
    return cfg


def train(cfg):
    """The model, and a copy of it with the weights it started from."""
    runner = Runner.from_cfg(cfg)
    runner.model.init_weights()
    start = copy.deepcopy(runner.model)
    runner.train()
    return runner.model, start


def changed(model, start):
    """Names of the parameters that differ."""
    before = dict(start.named_parameters())
    return {
        name
        for name, value in model.named_parameters()
        if not value.equal(before[name])
    }


def backbone_of(names):
    return {name for name in names if name.startswith('backbone.')}


@pytest.mark.parametrize(
    ('family', 'frozen'),
    [('swin', 3), ('convnext', 4), ('vit', 3), ('timm_convnext', None)],
)
def test_a_frozen_backbone_rests_in_all_stages(
    images, tmp_path, family, frozen
):
    """Frozen by the backbone itself, or, without that, by each stage."""
    config = ccfr_config(family)
    stages = tiny_ccfr.STAGES if frozen else FROZEN_STAGES
    if frozen:
        config['backbone']['frozen_stages'] = frozen
    model, start = train(experiment(images, tmp_path, config, stages))
    found = changed(model, start)
    # ConvNeXt's own norms of the maps are of no stage.
    maps_norms = {name for name in backbone_of(found) if '.norm' in name}
    assert backbone_of(found) == (
        maps_norms if family == 'convnext' else set()
    )
    parts = {name.partition('.')[0] for name in found} - {'backbone'}
    assert parts == {
        *('global_head', 'navigator', 'region_head', 'fusion', 'head')
    }


class TestLoRA:
    @pytest.fixture(scope='class', params=['vit', 'timm_vit'])
    def family(self, request):
        return request.param

    @pytest.fixture(scope='class')
    def work_dir(self, family, tmp_path_factory):
        return tmp_path_factory.mktemp(family)

    @pytest.fixture(scope='class')
    def trained(self, family, images, pretrained, work_dir):
        """Through all stages: the model, and how it started."""
        with tiny_ccfr.own_default_scope():
            config = lora_config(family, pretrained)
            return train(experiment(images, work_dir, config))

    def test_only_lora_and_the_parts_of_ccfr_are_trained(self, trained):
        """The stage that freezes the backbone and the next, which does not."""
        model, start = trained
        found = backbone_of(changed(model, start))
        assert found
        assert all('.lora_' in name for name in found)
        lora = {
            name for name, _ in model.named_parameters() if '.lora_up.' in name
        }
        assert lora <= found
        for name, parameter in model.named_parameters():
            rests = name.startswith('backbone.') and '.lora_' not in name
            assert parameter.requires_grad != rests, name

    def test_checkpoint_holds_lora_and_the_parts_of_ccfr(
        self, trained, work_dir
    ):
        saved = torch.load(work_dir / 'epoch_3.pth', weights_only=True)
        names = saved['state_dict'].keys()
        found = backbone_of(names)
        assert found
        assert all('.lora_' in name for name in found)
        others = trained[0].state_dict().keys() - found
        assert others == names - found
        assert {name.partition('.')[0] for name in others} == {
            *('global_head', 'navigator', 'region_head', 'fusion', 'head')
        }

    @torch.no_grad()
    def test_checkpoint_makes_the_same_answers(
        self, family, trained, pretrained, work_dir
    ):
        config = lora_config(family, pretrained)
        model = MODELS.build(config).eval()
        load_checkpoint(model, str(work_dir / 'epoch_3.pth'), strict=True)
        x = torch.randn(2, 3, 64, 64)
        samples = [DataSample() for _ in x]
        expected = trained[0].eval().predict(x, copy.deepcopy(samples))
        for one, other in zip(
            model.predict(x, samples), expected, strict=True
        ):
            assert torch.equal(one.pred_score, other.pred_score)
            assert torch.equal(one.embedding, other.embedding)

    def test_resumes_before_the_last_stage(
        self, family, images, trained, pretrained, work_dir, tmp_path
    ):
        config = lora_config(family, pretrained)
        cfg = experiment(images, tmp_path, config)
        cfg.resume = True
        cfg.load_from = str(work_dir / 'epoch_2.pth')
        model, _ = train(cfg)
        expected = dict(trained[0].named_parameters())
        for name, value in model.named_parameters():
            torch.testing.assert_close(value, expected[name])

    def test_weights_under_lora_count_in_the_fingerprint(
        self, family, pretrained
    ):
        """They are not in the state dict, but in what the gallery holds."""
        model = MODELS.build(lora_config(family, pretrained))
        before = fingerprint(model, [], ['a'])
        assert fingerprint(model, [], ['a']) == before
        with torch.no_grad():
            name, parameter = next(
                (name, p)
                for name, p in model.named_parameters()
                if name.startswith('backbone.') and '.lora_' not in name
            )
            assert name not in model.state_dict()
            parameter += 1
        assert fingerprint(model, [], ['a'])['weights'] != before['weights']
