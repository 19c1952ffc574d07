"""CCFR is one graph: no break, nothing read from the device, any batch."""

import pytest
import torch
from mmengine.registry import DefaultScope
from tiny_ccfr import model_config
from torch import nn

from mmc2f.deploy.onnx_graph import make_graph
from mmc2f.registry import MODELS

#: What waits for the device, or makes a shape of what it finds there.
SYNCHRONISING = (
    *('_local_scalar_dense', 'item', 'nonzero', 'masked_select'),
    *('unique', '_unique2', 'unique_dim', 'is_nonzero', 'equal'),
    *('_to_cpu', 'bincount', 'argwhere', 'unique_consecutive'),
)


class Embed(nn.Module):
    """The picture of CCFR, with its coarse answer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        embedded = self.model.embed(images)
        logits = self.model.coarse_logits(embedded)
        return logits, embedded.embedding, embedded.regions.boxes


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    cfg = dict(model_config(), coarse_source='joined', global_size=48)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(cfg).eval()
    for layer in model.navigator.score:
        nn.init.normal_(layer.weight)
    return model


def test_forward_is_one_graph(model):
    """``fullgraph`` raises where dynamo breaks the graph."""
    images = torch.randn(2, 3, 64, 64)
    compiled = torch.compile(Embed(model), backend='eager', fullgraph=True)
    with torch.no_grad():
        for found, expected in zip(
            compiled(images), Embed(model)(images), strict=True
        ):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_nothing_waits_for_the_device(model):
    graph = make_graph(model)
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        program = torch.export.export(
            graph,
            (images,),
            dynamic_shapes=({0: torch.export.Dim('batch')},),
            strict=False,
        )
        # Three, where two were recorded.
        other = torch.cat([images, images[:1] // 2])
        pairs = zip(program.module()(other), graph(other), strict=True)
        for found, expected in pairs:
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    names = {
        str(getattr(node.target, '_opname', node.target))
        for node in program.graph.nodes
        if node.op == 'call_function'
    }
    assert 'roi_align' in names and 'argmax' in names
    assert not names & set(SYNCHRONISING)
    # A size that depends on values would be a symbol of its own.
    assert len(program.range_constraints) == 1
