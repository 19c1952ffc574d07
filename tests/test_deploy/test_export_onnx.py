"""Exported models answer as PyTorch does, image for image."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image
from tested_run import PIPELINE, TestedRun
from tiny_ccfr import CLASSES, SIZE, tiny_config, write_images
from tiny_views import views_config

from mmc2f.deploy import export_onnx as exporting
from mmc2f.deploy.export_onnx import OPSET, export_onnx
from mmc2f.deploy.onnx_classifier import OnnxClassifier
from mmc2f.deploy.onnx_graph import make_graph

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
SAME = 1e-4
# The signed root of its pooling has no bound on its slope at 0, so a product
# near it differs by the root of what was rounded, as by another thread count.
SAME_OF_MLPH = 1e-3


class Exported:
    """A tested model and its file."""

    def __init__(self, tested, folder):
        self.tested = tested
        self.inferencer = tested.inferencer()
        self.path = folder / 'model.onnx'
        self.differences = export_onnx(self.inferencer, self.path)


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def ccfr(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp('ccfr')
    cfg = tiny_config(images, folder)
    # Every part of the graph: a reduced global pass, all three voices.
    cfg.model.update(global_size=48, coarse_source='joined')
    cfg.test_dataloader.dataset.pipeline = PIPELINE
    return Exported(TestedRun(cfg, folder), folder)


@pytest.fixture(scope='module')
def mlph(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp('mlph')
    cfg = views_config(images, folder)
    cfg.model.type = 'mmc2f.EmbeddingClassifier'
    cfg.input_size = SIZE
    return Exported(TestedRun(cfg, folder), folder)


def same(found, expected, by=SAME):
    """Equal JSON values but for rounding; of a dict the keys of ``found``."""
    if isinstance(found, dict):
        return all(same(found[k], expected[k], by) for k in found)
    if isinstance(found, list):
        return len(found) == len(expected) and all(
            same(a, b, by) for a, b in zip(found, expected, strict=True)
        )
    if isinstance(found, float):
        return found == pytest.approx(expected, rel=by, abs=by)
    return found == expected


def test_ccfr_answers_as_in_pytorch(ccfr, tmp_path):
    large = tmp_path / 'large.png'
    pixels = np.random.default_rng(1).integers(0, 256, (150, 110, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(large)
    paths = [*ccfr.tested.paths[:4], str(large)]
    expected = ccfr.inferencer(paths)
    classify = OnnxClassifier(ccfr.path)
    for batch_size in (1, 3, 5):
        answers = classify(paths, batch_size=batch_size)
        assert same(answers, expected)
        assert all(len(answer['boxes']) == 2 for answer in answers)
        assert answers[0]['coarse_class'] in CLASSES


def test_ccfr_is_reranked_as_in_pytorch(ccfr):
    gallery, paths = ccfr.tested.gallery, ccfr.tested.paths[:4]
    expected = ccfr.tested.inferencer(gallery=gallery)(paths)
    answers = OnnxClassifier(ccfr.path, gallery=gallery)(paths, batch_size=4)
    assert same(answers, expected)
    assert all(answer['neighbours'] for answer in answers)
    # What tells a gallery of other weights.
    other = OnnxClassifier(ccfr.path)
    other.facts['made_by'] = {**other.facts['made_by'], 'weights': '0'}
    with pytest.raises(ValueError, match='weights'):
        exporting_reranker(other.facts, gallery)


def exporting_reranker(facts, gallery):
    from mmc2f.deploy.onnx_classifier import _reranker

    return _reranker(facts, gallery, None)


def test_mlph_answers_at_each_level(mlph):
    paths = mlph.tested.paths[:3]
    expected = mlph.inferencer(paths)
    assert set(mlph.differences) == {'coarse', 'embedding', 'level_1'}
    assert max(mlph.differences.values()) < SAME_OF_MLPH
    answers = OnnxClassifier(mlph.path)(paths, batch_size=3)
    assert same(answers, expected, SAME_OF_MLPH)
    assert [level['level'] for level in answers[0]['levels']] == [
        'class',
        'group',
    ]


@pytest.mark.parametrize('source', ['pre_logits', 'pooled'])
def test_plain_classifier_is_a_graph_too(ccfr, source):
    from mmengine.registry import DefaultScope
    from mmpretrain.registry import MODELS

    backbone = ccfr.tested.cfg.model.backbone
    cfg = dict(
        type='mmc2f.EmbeddingClassifier',
        backbone=backbone,
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='mmc2f.CosineClsHead', num_classes=4),
        embedding_source=source,
        # B, G, R, and no normalisation.
        data_preprocessor=dict(to_rgb=False),
    )
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(Config(cfg)).eval()
        rgb = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
        data = model.data_preprocessor(dict(inputs=rgb.flip(1)))
        coarse, embedding = make_graph(model)(rgb)
        expected = model.predict(data['inputs'])
    torch.testing.assert_close(
        coarse, torch.stack([s.pred_score for s in expected])
    )
    torch.testing.assert_close(
        embedding, torch.stack([s.embedding for s in expected])
    )


def test_file_says_what_it_is(ccfr):
    assert set(ccfr.differences) == {
        *('coarse', 'embedding', 'boxes', 'box_scores')
    }
    assert max(ccfr.differences.values()) < 1e-4
    model = onnx.load(ccfr.path)
    onnx.checker.check_model(model)
    assert {o.version for o in model.opset_import if not o.domain} == {OPSET}
    # One file: weights and all.
    assert [p.name for p in ccfr.path.parent.glob('model*')] == ['model.onnx']
    classify = OnnxClassifier(ccfr.path)
    assert classify.classes == list(CLASSES)
    assert classify.input_size == (SIZE, SIZE)
    assert classify.facts['mean'] == [127.5] * 3
    assert classify.facts['opset'] == OPSET
    assert classify.facts['channels'] == 'RGB'


def test_wrong_input_is_refused(ccfr, tmp_path):
    classify = OnnxClassifier(ccfr.path)
    for batch in (np.zeros((1, 3, 9, 9), np.uint8), np.zeros((1, 3, 64, 64))):
        with pytest.raises(ValueError, match='the model takes'):
            classify.run(batch)
    with pytest.raises(ValueError, match='order B, G, R'):
        classify(np.zeros((9, 9)))
    with pytest.raises(OSError, match='gone'):
        classify('gone.jpg')
    with pytest.raises(FileNotFoundError, match='there is no model'):
        OnnxClassifier(tmp_path / 'gone.onnx')
    bad = tmp_path / 'bad.onnx'
    bad.write_bytes(b'no model')
    with pytest.raises(ValueError, match='cannot be run'):
        OnnxClassifier(bad)
    model = onnx.load(ccfr.path)
    del model.metadata_props[:]
    onnx.save(model, bad)
    with pytest.raises(ValueError, match='not made by mmc2f export'):
        OnnxClassifier(bad)


def test_nothing_is_kept_of_a_failed_export(ccfr, tmp_path, monkeypatch):
    path = tmp_path / 'model.onnx'
    with pytest.raises(ValueError, match='one size'):
        exporting._stated_size(Config(dict()))
    monkeypatch.setattr(exporting, 'NEEDS', ('onnx', 'no_such_package'))
    with pytest.raises(ImportError, match=r"no_such_package; run.*\[export\]"):
        export_onnx(ccfr.inferencer, path)
    assert not path.exists()
    # The check is one that can fail.
    graph = make_graph(ccfr.inferencer.model)
    graph.mean += 20
    with torch.no_grad(), pytest.raises(RuntimeError, match='otherwise'):
        exporting._check(graph, ccfr.path, (SIZE, SIZE))


def test_answers_need_neither_torch_nor_the_host(ccfr):
    code = (
        'import sys\n'
        'from mmc2f.deploy.onnx_classifier import OnnxClassifier\n'
        'classify = OnnxClassifier(sys.argv[1], threads=1)\n'
        'print(classify(sys.argv[2])[0]["pred_class"])\n'
        'print({"torch", "mmengine", "mmcv"} & set(sys.modules))\n'
    )
    path = ccfr.tested.paths[0]
    done = subprocess.run(
        [sys.executable, '-c', code, str(ccfr.path), path],
        check=True,
        capture_output=True,
        text=True,
    )
    name, modules = done.stdout.splitlines()
    assert name == ccfr.inferencer(path)[0]['pred_class']
    assert modules == 'set()'
