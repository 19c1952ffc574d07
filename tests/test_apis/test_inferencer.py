"""Predictions of the inferencer, against those that a test writes."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from crafted_files import write_crafted
from mmengine.config import Config
from PIL import Image
from tested_run import PIPELINE, TestedRun
from tiny_ccfr import CLASSES, SIZE, TREE, tiny_config, write_images
from tiny_views import views_config

from mmc2f import C2FInferencer
from mmc2f.apis.reason_text import reason_sentences
from mmc2f.retrieval import Gallery


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp('images'))


@pytest.fixture(scope='module')
def tested(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp('ccfr')
    cfg = tiny_config(images, folder)
    cfg.test_dataloader.dataset.pipeline = PIPELINE
    return TestedRun(cfg, folder)


@pytest.fixture(scope='module')
def predict(tested):
    return tested.inferencer(gallery=tested.gallery)


@pytest.fixture(scope='module')
def mlph(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp('mlph')
    cfg = views_config(images, folder)
    cfg.model.type = 'mmc2f.EmbeddingClassifier'
    cfg.model.head.level_thresholds = (None, 0.0)
    return TestedRun(cfg, folder)


def close(a, b):
    """Equal JSON values, but for rounding."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, float):
        return a == pytest.approx(b, rel=1e-4, abs=1e-5)
    return a == b


def test_answers_are_those_of_a_test(tested, predict):
    answers = predict(tested.paths[:6], batch_size=4, topn=3, num_neighbours=8)
    assert json.loads(json.dumps(answers)) == answers
    for answer, record in zip(answers, tested.records, strict=False):
        for name in ('image', 'coarse', 'reranked', 'neighbours'):
            assert close(answer[name], record[name]), name
        assert answer['coarse_class'] == record['coarse'][0]['class']
        assert answer['pred_class'] == record['reranked'][0]['class']
        assert answer['pred_class'] == CLASSES[answer['pred_label']]
        assert close(answer['pred_score'], record['reranked'][0]['score'])
        assert close(
            answer['coarse_score'], record['coarse'][0]['probability']
        )


def test_boxes_are_in_pixels_of_the_original(tested, predict):
    answer = predict(tested.paths[0])[0]
    regions = tested.records[0]['regions']
    # The input is the middle 64 pixels of the 64 that were made 96.
    for box, region in zip(answer['boxes'], regions, strict=True):
        expected = [(v + 16) * SIZE / 96 for v in region['box']]
        assert close(box['box'], [min(max(v, 0.0), SIZE) for v in expected])
        sigmoid = 1 / (1 + np.exp(-region['score']))
        assert close(box['score'], float(answer['pred_score'] * sigmoid))
    assert [box['scale'] for box in answer['boxes']] == [0, 1]


def test_reason_tells_the_terms_of_what_was_answered(tested, predict):
    for answer in predict(tested.paths, batch_size=8):
        reason = answer['reason']
        assert reason['mode'] == 'paper'
        assert reason['winner'] == answer['pred_class']
        is_other = answer['pred_class'] != answer['coarse_class']
        assert reason['changed'] == is_other
        if is_other:
            assert reason['decided_by'] == 'votes'
            assert reason['rival'] == answer['coarse_class']
        listed = {term['class'] for term in reason['terms']}
        # Only the first three are re-ranked.
        assert listed == {c['class'] for c in answer['coarse'][:3]}


@pytest.mark.parametrize(
    ('rule', 'names'),
    [
        (dict(mode='prototypes', topn=3), {'log_softmax', 'cosine'}),
        (dict(mode='kernel', topn=3), {'softmax', 'votes'}),
    ],
)
def test_other_rules_can_be_asked_for(tested, rule, names):
    predict = tested.inferencer(gallery=tested.gallery, rerank=rule)
    answers = predict(tested.paths[:4], batch_size=4)
    for answer in answers:
        reason = answer['reason']
        assert reason['mode'] == rule['mode']
        assert reason['winner'] == answer['pred_class']
        assert set(reason['margins']) == names


def test_levels_are_sums_of_the_finest(tested, predict):
    answer = predict(tested.paths[5], topn=len(CLASSES))[0]
    of_class = {c['class']: c['probability'] for c in answer['coarse']}
    groups = TREE['classes'][1]
    sums = [0.0, 0.0]
    for name, parent in zip(CLASSES, TREE['parents'][0], strict=True):
        sums[parent] += of_class[name]
    assert [level['level'] for level in answer['levels']] == TREE['levels']
    assert answer['levels'][0]['class'] == answer['coarse_class']
    assert answer['levels'][0]['of_answer'] == answer['pred_class']
    coarser = answer['levels'][1]
    assert coarser['class'] == groups[int(np.argmax(sums))]
    assert close(coarser['probability'], max(sums))
    parent = TREE['parents'][0][answer['pred_label']]
    assert coarser['of_answer'] == groups[parent]
    assert 'finest_sure' not in answer


def test_answer_does_not_depend_on_the_batch(tested, predict, tmp_path):
    alone = {path: predict(path)[0] for path in tested.paths[:6]}
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(b'no image')
    mixed = [*tested.paths[:3], str(broken), *tested.paths[3:6]]
    for batch_size, order in ((4, mixed), (7, mixed[::-1])):
        answers = predict(order, batch_size=batch_size)
        assert [answer['image'] for answer in answers] == order
        for answer in answers:
            if answer['image'] != str(broken):
                assert close(answer, alone[answer['image']])


def test_images_of_different_sizes_in_a_batch(tested, tmp_path):
    cfg = Config(tested.cfg.to_dict())
    cfg.test_dataloader.dataset.pipeline = [PIPELINE[0], PIPELINE[-1]]
    predict = tested.inferencer(model=cfg)
    sizes = [(64, 64), (96, 64), (64, 64), (64, 96)]
    arrays = [np.full((*size, 3), 90, np.uint8) for size in sizes]
    answers = predict(arrays, batch_size=4)
    assert [a['image'] for a in answers] == [f'image {i}' for i in range(4)]
    assert [a['image'] for a in predict(np.zeros((64, 64), np.uint8))] == [
        'image 0'
    ]
    for array, answer in zip(arrays, answers, strict=True):
        one = predict(array)[0]
        assert close({**one, 'image': answer['image']}, answer)


def test_kinds_of_inputs_mean_the_same(tested, predict):
    path = Path(tested.paths[0])
    expected = predict(str(path))[0]
    assert expected['image'] == str(path)
    image = Image.open(path)
    kinds = [path, path.read_bytes(), image, np.array(image)[..., ::-1]]
    for place, answer in enumerate(predict(kinds, batch_size=2)):
        assert answer.pop('image') in (str(path), f'image {place}')
        assert close(answer, {k: expected[k] for k in answer})
    folder = sorted(map(str, path.parent.iterdir()))
    below = sorted(map(str, path.parents[1].rglob('*.png')))
    pattern = str(path.parents[1] / '*' / '0.png')
    for inputs, names in (
        (str(path.parent), folder),
        (path.parents[1], below),
        (pattern, [name for name in below if name.endswith('0.png')]),
        ((str(path), str(path.parent)), [str(path), *folder]),
    ):
        answers = predict(inputs, batch_size=8)
        assert [answer['image'] for answer in answers] == names


def test_bad_images_are_named_and_do_not_stop_the_rest(
    tested, predict, tmp_path
):
    text, empty = tmp_path / 'notes.jpg', tmp_path / 'empty'
    text.write_text('no image')
    empty.mkdir()
    bad = {
        str(text): 'cannot be read',
        str(tmp_path / 'none.jpg'): 'does not exist',
        str(empty): 'has no image',
        str(tmp_path / '*.gif'): 'no file is called',
    }
    arrays = [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), 3]
    good = tested.paths[0]
    answers = predict([*bad, *arrays, good], batch_size=3)
    for answer, (name, reason) in zip(answers, bad.items(), strict=False):
        assert answer.keys() == {'image', 'error'}
        assert answer['image'] == name
        assert name in answer['error'] and reason in answer['error']
    for place, what in enumerate(('float64', '(4, 4, 4)', 'int')):
        answer = answers[len(bad) + place]
        assert answer['image'] == f'image {len(bad) + place}'
        assert what in answer['error']
    assert answers[-1]['image'] == good
    assert 'pred_class' in answers[-1]
    assert len(answers) == len(bad) + len(arrays) + 1


def test_stream_reads_no_further_than_a_batch(tested, predict):
    read = []

    def endless():
        while True:
            read.append(1)
            yield tested.paths[0]

    answers = predict.stream(endless(), batch_size=2)
    assert next(answers)['image'] == tested.paths[0]
    assert len(read) == 2
    next(answers)
    next(answers)
    assert len(read) == 4
    answers.close()


def test_bar_is_for_terminals(tested, predict, capsys, monkeypatch):
    predict(tested.paths[0])
    assert 'Inference' not in capsys.readouterr().err

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    predict(tested.paths[:2])
    assert 'Inference' in terminal.getvalue()


def test_without_a_gallery_the_coarse_answer_stays(tested):
    answer = tested.inferencer()(tested.paths[0])[0]
    assert answer['pred_class'] == answer['coarse_class']
    assert answer['pred_score'] == answer['coarse_score']
    for name in ('reranked', 'neighbours', 'reason'):
        assert name not in answer
    assert close(answer['coarse'][:3], tested.records[0]['coarse'])


def test_cascade_ends_sure_images(tested, predict):
    full = predict(tested.paths[:6])
    with pytest.raises(ValueError, match='threshold'):
        tested.inferencer(cascade=-1.0)
    with pytest.raises(FileNotFoundError, match='tune_rerank'):
        tested.inferencer(cascade='auto')
    for threshold, went_on in ((0.0, False), (1.0, True)):
        fast = tested.inferencer(gallery=tested.gallery, cascade=threshold)
        answers = fast(tested.paths[:6], batch_size=4)
        assert {answer.pop('went_on') for answer in answers} == {went_on}
        if went_on:
            assert close(answers, full)
        else:
            assert all('neighbours' not in answer for answer in answers)
            assert all('boxes' not in answer for answer in answers)
            assert 'look no further' in reason_sentences(
                dict(answers[0], went_on=False)
            )[0]


def test_cascade_needs_a_global_pass(mlph):
    with pytest.raises(ValueError, match='needs a model with a global pass'):
        mlph.inferencer(cascade=0.5)


def test_mlph_answers_at_each_level(mlph):
    predict = mlph.inferencer(gallery=mlph.gallery)
    # The first view is the image as it is.
    paths = mlph.paths[:4]
    for answer, record in zip(
        predict(paths, batch_size=4, topn=3, num_neighbours=8),
        mlph.records,
        strict=False,
    ):
        for name in ('coarse', 'reranked', 'neighbours'):
            assert close(answer[name], record[name]), name
        assert 'boxes' not in answer
        # Its own classifier, which the head says alone.
        finest, coarser = answer['levels']
        assert finest['class'] == answer['coarse_class']
        assert coarser['class'] in TREE['classes'][1]
        assert answer['finest_sure'] == {
            k: v for k, v in coarser.items() if k != 'of_answer'
        }


def test_no_level_may_be_sure_enough(mlph):
    cfg = Config(mlph.cfg.to_dict())
    cfg.model.head.level_thresholds = (None, None)
    answer = mlph.inferencer(model=cfg)(mlph.paths[0])[0]
    assert answer['finest_sure'] is None


def test_data_samples_can_be_had(tested, predict):
    samples = predict([tested.paths[0], 'none.jpg'], return_datasamples=True)
    assert samples[0].embedding.ndim == 1
    assert samples[0].img_path == tested.paths[0]
    assert samples[1] == {
        'image': 'none.jpg',
        'error': 'image none.jpg does not exist',
    }


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(batch_size=0), 'at least 1'),
        (dict(show_dir='here'), 'show_dir'),
    ],
)
def test_wrong_options_are_refused(predict, kwargs, message):
    with pytest.raises(ValueError, match=message):
        predict.stream([], **kwargs)


def test_gallery_that_does_not_fit_is_refused(tested, tmp_path):
    other = str(tmp_path / 'other.pth')
    tested.save(other, scale=0.5)
    cfg = Config(tested.cfg.to_dict())
    cfg.test_dataloader.dataset.pipeline[1].scale = 80
    for model, checkpoint, what in (
        (tested.config, other, 'weights'),
        (cfg, tested.checkpoint, 'pipeline'),
    ):
        for gallery in (tested.gallery, Gallery.load(tested.gallery)):
            with pytest.raises(ValueError, match=rf'does not fit .*{what}'):
                C2FInferencer(model, checkpoint, gallery=gallery)


def test_classifier_without_embeddings_takes_no_gallery(mlph):
    cfg = Config(mlph.cfg.to_dict())
    cfg.model.type = 'ImageClassifier'
    answer = mlph.inferencer(model=cfg)(mlph.paths[0])[0]
    assert close(answer['coarse'][:3], mlph.records[0]['coarse'])
    with pytest.raises(ValueError, match='needs a model that embeds'):
        mlph.inferencer(model=cfg, gallery=mlph.gallery)


def test_threshold_that_is_still_to_be_measured_is_refused(tested):
    with pytest.raises(ValueError, match="t_sf='auto'"):
        tested.inferencer(gallery=tested.gallery, rerank=dict(t_sf='auto'))


def test_class_names_are_found_or_given(tested, tmp_path):
    nameless = str(tmp_path / 'nameless.pth')
    weights = torch.load(tested.checkpoint)['state_dict']
    torch.save(weights, nameless)
    path = tested.paths[0]
    by_gallery = C2FInferencer(tested.config, nameless, gallery=tested.gallery)
    assert by_gallery.classes == list(CLASSES)
    given = tested.inferencer(classes=('a', 'b', 'c', 'd'))
    assert given(path)[0]['pred_class'] in 'abcd'
    with pytest.raises(ValueError, match='3 class names for the 4'):
        tested.inferencer(classes=('a', 'b', 'c'))


def test_model_that_is_built_already(tested):
    from mmpretrain.apis import get_model

    model = get_model(Config.fromfile(tested.config))
    predict = tested.inferencer(model=model)
    answer = predict(tested.paths[0])[0]
    assert close(answer['coarse'][:3], tested.records[0]['coarse'])
    del model._config
    with pytest.raises(ValueError, match='does not know its config'):
        C2FInferencer(model)


def test_wrong_models_and_weights_are_refused(tested, mlph, tmp_path):
    with pytest.raises(FileNotFoundError, match='do you mean ccfr_grocery'):
        C2FInferencer('ccfr_grocerie')
    with pytest.raises(ValueError, match='names no weights'):
        C2FInferencer(tested.config)
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        C2FInferencer(tested.config, 'none.pth')
    with pytest.raises(ValueError, match='do not fit the model'):
        C2FInferencer(tested.config, mlph.checkpoint)


def test_weights_run_no_code(tested, tmp_path):
    marker = tmp_path / 'marker'
    weights = torch.load(tested.checkpoint)['state_dict']
    crafted = write_crafted(tmp_path / 'crafted.pth', marker, weights)
    with pytest.raises(ValueError, match='could run code'):
        C2FInferencer(tested.config, crafted)
    assert not marker.exists()


def test_shipped_configs_are_known_by_name():
    assert 'ccfr_grocery' in C2FInferencer.list_models()
    assert set(C2FInferencer.list_models('mlph_g*')) == {'mlph_grocery'}


def test_importing_the_package_does_not_import_the_host():
    code = 'import sys, mmc2f; assert "mmpretrain" not in sys.modules'
    subprocess.run([sys.executable, '-c', code], check=True)
    with pytest.raises(ImportError, match='Unknown'):
        from mmc2f import Unknown  # noqa: F401
