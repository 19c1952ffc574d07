"""The choice of the re-ranking, on features whose truth is known."""

import itertools
import json

import numpy as np
import pytest
import torch

from mmc2f.retrieval import (
    Gallery,
    HeldOut,
    ReRankPostProcessor,
    TunedReRank,
    tune_rerank,
    tune_rerank_on_folds,
)
from mmc2f.retrieval.rerank_grid import default_grid, grid_hits
from mmc2f.retrieval.tuned_rerank import side_file

NUM_CLASSES, DIMS = 6, 8


def made_up(num_images, seed, spread=0.8, softmax_noise=1.5):
    """Embeddings around class centres, and a classifier that is unsure."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(
        NUM_CLASSES, DIMS, generator=torch.Generator().manual_seed(99)
    )
    labels = torch.arange(num_images) % NUM_CLASSES
    noise = torch.randn(num_images, DIMS, generator=generator)
    logits = torch.nn.functional.one_hot(labels, NUM_CLASSES) * 2.0
    logits += softmax_noise * torch.randn(logits.shape, generator=generator)
    return logits.softmax(1), centres[labels] + spread * noise, labels


def galleries(spread=0.8, kinds=(None, 'lda')):
    _, embeddings, labels = made_up(120, seed=1, spread=spread)
    found = {}
    for whiten in kinds:
        found[whiten] = Gallery(whiten=whiten)
        names = [str(i) for i in range(len(labels))]
        found[whiten].fill(embeddings, labels, names, {})
    return found


@pytest.mark.parametrize('whiten', [None, 'lda'])
@pytest.mark.parametrize('mode', ['paper', 'kernel', 'prototypes'])
def test_grid_equals_the_processor_of_each_setting(mode, whiten):
    folds = [HeldOut(*made_up(30, seed), galleries()) for seed in (2, 3)]
    grid = default_grid(mode, folds, whiten, temperature=1.7)
    # Two values each: ends of the grid.
    grid = {name: [v[0], v[-1]] for name, v in grid.items()}
    hits = grid_hits(mode, folds, whiten, grid)
    assert hits.shape == (*[2] * len(grid), 60)
    changed = 0
    for index in itertools.product(range(2), repeat=len(grid)):
        params = {
            n: v[i] for (n, v), i in zip(grid.items(), index, strict=True)
        }
        processor = ReRankPostProcessor(mode=mode, **params)
        expected = []
        for fold in folds:
            scores = processor(
                fold.coarse_probs, fold.embeddings, fold.galleries[whiten]
            ).scores
            expected += (scores.argmax(1) == fold.labels).tolist()
            was = fold.coarse_probs.argmax(1)
            changed += int((scores.argmax(1) != was).sum())
        assert hits[index].tolist() == expected
    assert changed > 10


def test_thresholds_of_the_paper_are_in_the_scale_of_the_embedding():
    folds = [HeldOut(*made_up(60, 2), galleries())]
    grids = [default_grid('paper', folds, w, 1.0) for w in (None, 'lda')]
    similarities = [
        folds[0].galleries[w].search(folds[0].embeddings, 1).similarities
        for w in (None, 'lda')
    ]
    for grid, nearest in zip(grids, similarities, strict=True):
        below = [(nearest < t).double().mean() for t in grid['t_sc']]
        assert min(below) < 0.1 and max(below) > 0.8
    assert grids[0]['t_sc'] != grids[1]['t_sc']


def test_good_embeddings_are_used():
    tuned = tune_rerank(*made_up(300, seed=2), galleries())
    assert tuned.helps and tuned.low > 0
    assert tuned.low < tuned.gain < tuned.high
    assert tuned.params == tuned.candidate
    # What it promises holds on other images.
    probs, embeddings, labels = made_up(2000, seed=5)
    gallery = galleries()[tuned.whiten]
    scores = tuned.post_processor()(probs, embeddings, gallery).scores
    gain = 100 * float(
        (scores.argmax(1) == labels).double().mean()
        - (probs.argmax(1) == labels).double().mean()
    )
    assert gain == pytest.approx(tuned.gain, abs=4)
    assert 'Re-ranking helps' in tuned.summary()


def test_useless_embeddings_leave_the_coarse_answer():
    tuned = tune_rerank(*made_up(200, seed=2, spread=50), galleries(spread=50))
    assert not tuned.helps
    assert tuned.params == {'mode': 'none'} and tuned.whiten is None
    assert tuned.low <= 0
    assert tuned.candidate['mode'] != 'none'
    assert 'coarse answer stays' in tuned.summary()


def test_gain_is_not_that_of_the_luckiest_setting():
    """Pure noise: the best of thousands of settings looks good, it is not."""
    low = []
    for seed in range(2, 5):
        images = made_up(60, seed=seed, spread=50)
        tuned = tune_rerank(*images, galleries(spread=50))
        low.append(tuned.low)
        best = max(family['accuracy'] for family in tuned.tried)
        assert best >= tuned.coarse_accuracy + tuned.gain
    assert max(low) <= 0


def test_everything_follows_from_the_seed():
    images = made_up(80, seed=2)
    assert tune_rerank(*images, galleries()) == tune_rerank(
        *images, galleries()
    )


def test_one_gallery_and_one_mode():
    gallery = galleries()['lda']
    tuned = tune_rerank(*made_up(80, seed=2), gallery, modes=['kernel'])
    assert tuned.candidate['mode'] == 'kernel'
    assert tuned.candidate_whiten == 'lda'
    assert [(f['mode'], f['whiten']) for f in tuned.tried] == [
        ('kernel', 'lda')
    ]


def test_equal_modes_give_way_to_the_plainest():
    tuned = tune_rerank(
        *made_up(300, seed=2, spread=0.1), galleries(spread=0.1)
    )
    assert tuned.candidate['mode'] == 'prototypes'
    assert tuned.candidate_whiten is None


def test_plateau_goes_before_a_peak():
    from mmc2f.retrieval.tune_rerank import _choose, _Family

    images = np.arange(100)
    accuracy = [50, 80, 50, 50, 78, 79, 78, 50]
    hits = np.stack([images < a for a in accuracy])
    family = _Family('prototypes', None, {'kappa': range(8)}, hits)
    chosen, index = _choose([family], images, tolerance=1.0)
    assert chosen is family and index == (5,)


def test_flat_plateau_is_taken_in_its_middle():
    from mmc2f.retrieval.tune_rerank import _Family

    images = np.arange(10)
    hits = np.stack([images < a for a in [5, 9, 9, 9, 9, 9, 9, 9, 5]])
    family = _Family('prototypes', None, {'kappa': range(9)}, hits)
    assert family.centre(images) == ((4,), pytest.approx(0.9))


def test_curves_run_through_the_choice():
    tuned = tune_rerank(*made_up(80, seed=2), galleries())
    for family in tuned.tried:
        for name, curve in family['curves'].items():
            place = curve['values'].index(family['params'][name])
            assert curve['accuracy'][place] == pytest.approx(
                family['accuracy']
            )


def test_folds_are_pooled():
    folds = [HeldOut(*made_up(60, seed), galleries()) for seed in (2, 3)]
    tuned = tune_rerank_on_folds(folds)
    assert tuned.num_images == 120
    probs = torch.cat([fold.coarse_probs for fold in folds])
    labels = torch.cat([fold.labels for fold in folds])
    expected = 100 * (probs.argmax(1) == labels).double().mean()
    assert tuned.coarse_accuracy == pytest.approx(float(expected))


def test_too_few_images():
    with pytest.raises(ValueError, match='20 held-out images or more, got 19'):
        tune_rerank(*made_up(19, seed=2), galleries())


def test_file_beside_the_checkpoint(tmp_path):
    path = side_file(tmp_path / 'run' / 'epoch_6.pth')
    assert path.name == 'epoch_6.rerank.json'
    tuned = tune_rerank(*made_up(80, seed=2), galleries(), modes=['paper'])
    tuned.save(path)
    assert TunedReRank.load(path) == tuned
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    'change',
    [
        {'format': 'other'},
        {'version': 2},
        {'params': {'mode': 'best'}},
        {'params': {'mode': 'kernel', 'tua': 1}},
        {'surplus': 1},
    ],
)
def test_other_files_are_refused(tmp_path, change):
    path = tmp_path / 'epoch_6.rerank.json'
    tune_rerank(*made_up(40, seed=2), galleries(), modes=['prototypes']).save(
        path
    )
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=r'not what tools/tune_rerank'):
        TunedReRank.load(path)


def test_missing_and_damaged_files(tmp_path):
    path = tmp_path / 'epoch_6.rerank.json'
    with pytest.raises(FileNotFoundError, match=r'epoch_6.rerank.json'):
        TunedReRank.load(path)
    for text in ('{', '[]', '{}'):
        path.write_text(text)
        with pytest.raises(ValueError, match='Make it anew'):
            TunedReRank.load(path)
