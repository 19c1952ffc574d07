"""``mmc2f export`` on a tiny model."""

import json

import pytest

for package in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(package)


def test_exported_model_answers_as_predict_does(
    say, work_dir, images, tmp_path
):
    from mmc2f.deploy.onnx_classifier import OnnxClassifier

    out = tmp_path / 'model.onnx'
    said = say('export', work_dir, '--out', out, '--json')
    assert said.code == 0, said.err
    facts = json.loads(said.out)
    assert facts['file'] == str(out)
    assert max(facts['differences'].values()) < 1e-4
    path = str(images / 'test' / 'blue' / '0.png')
    (answer,) = OnnxClassifier(out)(path)
    said = say('predict', work_dir, path, '--json', '--no-rerank')
    expected = json.loads(said.out)
    assert answer['pred_class'] == expected['pred_class']
    assert answer['pred_score'] == pytest.approx(
        expected['pred_score'], abs=1e-4
    )


def test_missing_weights_are_named(say, work_dir, tmp_path):
    out = tmp_path / 'model.onnx'
    said = say('export', work_dir / 'tiny.py', 'gone.pth', '--out', out)
    assert said.code == 1
    assert said.last == "mmc2f: error: there is no checkpoint 'gone.pth'"
    assert not out.exists()
