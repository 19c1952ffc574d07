"""Whitening against the textbook, and in a gallery."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from sklearn.covariance import LedoitWolf

from mmc2f.retrieval import Gallery, fit_whitening, normalize_parts

DIMS, NUM_CLASSES = 6, 4
FINGERPRINT = {'weights': 'a' * 64}


def made_up(num_images=60, seed=0):
    """Correlated features of classes, on a common offset."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(num_images) % NUM_CLASSES
    centres = torch.randn(
        NUM_CLASSES, DIMS, generator=torch.Generator().manual_seed(9)
    )
    spread = torch.diag(torch.linspace(0.1, 3, DIMS))
    noise = torch.randn(num_images, DIMS, generator=generator) @ spread
    return 5 + centres[labels] + noise, labels


def filled(whiten='lda', **kwargs):
    features, labels = made_up()
    gallery = Gallery(whiten=whiten, **kwargs)
    gallery.fill(
        features, labels, [str(i) for i in range(len(labels))], FINGERPRINT
    )
    return gallery


def naive_whiten(rows, labels, kind):
    """Class by class, with the estimator's class instead of its function."""
    rows = rows.double().numpy()
    if kind == 'pca':
        residuals = [row - rows.mean(0) for row in rows]
    else:
        residuals = []
        for c in set(labels.tolist()):
            own = rows[labels.numpy() == c]
            if len(own) > 1:
                residuals += [row - own.mean(0) for row in own]
    fitted = LedoitWolf(assume_centered=True).fit(np.array(residuals))
    # Cosines do not see which of the square roots of the inverse it is.
    root = np.linalg.cholesky(np.linalg.inv(fitted.covariance_))
    mapped = (rows - rows.mean(0)) @ root
    return torch.from_numpy(
        mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    )


@pytest.mark.parametrize('kind', ['lda', 'pca'])
def test_cosines_equal_the_naive_ones(kind):
    features, labels = made_up()
    labels[-1] = NUM_CLASSES  # the only image of its class
    rows = F.normalize(features)
    expected = naive_whiten(rows, labels, kind)
    whitened = fit_whitening(rows, labels, kind)(rows).double()
    torch.testing.assert_close(
        whitened @ whitened.T, expected @ expected.T, rtol=0, atol=1e-4
    )


def test_matrix_is_the_symmetric_root_of_the_inverse():
    features, labels = made_up(num_images=4000)
    matrix = fit_whitening(features, labels, 'pca').matrix.double()
    torch.testing.assert_close(matrix, matrix.T)
    fitted = LedoitWolf().fit(features.double().numpy())
    torch.testing.assert_close(
        matrix @ torch.from_numpy(fitted.covariance_) @ matrix,
        torch.eye(DIMS, dtype=torch.float64),
        rtol=0,
        atol=1e-4,
    )


@pytest.mark.parametrize('kind', ['lda', 'pca'])
def test_a_shrinkage_stands_behind_the_colon(kind):
    features, labels = made_up()
    rows = features.double().numpy()
    means = rows.mean(0)
    if kind == 'lda':
        means = np.stack([rows[labels == c].mean(0) for c in labels])
    residuals = rows - means
    scatter = sum(np.outer(r, r) for r in residuals) / len(residuals)
    expected = 0.7 * scatter + 0.3 * np.trace(scatter) / DIMS * np.eye(DIMS)
    fitted = fit_whitening(features, labels, f'{kind}:0.3')
    assert fitted.kind == f'{kind}:0.3'
    matrix = fitted.matrix.double()
    torch.testing.assert_close(
        matrix @ torch.from_numpy(expected) @ matrix,
        torch.eye(DIMS, dtype=torch.float64),
        rtol=0,
        atol=1e-4,
    )


def test_shrunk_all_the_way_only_the_mean_is_taken_off():
    features, labels = made_up()
    whitened = fit_whitening(features, labels, 'lda:1')(features)
    expected = F.normalize(features - features.mean(dim=0))
    torch.testing.assert_close(whitened, expected, rtol=0, atol=1e-5)


def test_shrinkage_of_ledoit_and_wolf_gives_the_same():
    features, labels = made_up()
    rows = features.double().numpy()
    fitted = LedoitWolf(assume_centered=True).fit(rows - rows.mean(0))
    given = fit_whitening(features, labels, f'pca:{fitted.shrinkage_}')
    chosen = fit_whitening(features, labels, 'pca')
    torch.testing.assert_close(given.matrix, chosen.matrix)


@pytest.mark.parametrize('kind', ['sqrt+lda', 'sqrt+lda:0.3', 'sqrt+pca'])
@pytest.mark.parametrize('parts', [None, (2, 4)])
def test_roots_are_drawn_before_anything_else(kind, parts):
    features, labels = made_up()
    features[:, 0] -= 5  # some are negative
    gallery = Gallery(whiten=kind)
    names = [str(i) for i in range(len(labels))]
    gallery.fill(features, labels, names, FINGERPRINT, parts=parts)
    roots = torch.tensor(
        [[math.copysign(abs(x) ** 0.5, x) for x in row] for row in features]
    )
    pieces = roots.split(parts or DIMS, dim=1)
    unit = [piece / piece.norm(dim=1, keepdim=True) for piece in pieces]
    rows = torch.cat(unit, dim=1) / len(unit) ** 0.5
    expected = fit_whitening(rows, labels, kind.removeprefix('sqrt+'))(rows)
    torch.testing.assert_close(gallery.embeddings, expected, rtol=0, atol=1e-4)
    # Queries go the same way, whatever their length.
    torch.testing.assert_close(gallery.transform(9 * features), expected)


def test_root_is_part_of_the_file_and_of_the_fingerprint(tmp_path):
    gallery = filled('sqrt+lda:0.3')
    gallery.save(tmp_path / 'g.safetensors')
    loaded = Gallery.load(
        tmp_path / 'g.safetensors', FINGERPRINT, whiten='sqrt+lda:0.3'
    )
    queries = made_up(seed=3)[0]
    assert loaded.transform(queries).equal(gallery.transform(queries))
    with pytest.raises(ValueError, match='whiten'):
        Gallery.load(tmp_path / 'g.safetensors', FINGERPRINT, whiten='lda:0.3')


@pytest.mark.parametrize('kind', ['sqrt+', 'sqrt', 'sqrt+zca', 'lda+sqrt'])
def test_no_such_root(kind):
    with pytest.raises(ValueError, match='whiten must be'):
        Gallery(whiten=kind)


@pytest.mark.parametrize('kind', ['lda:', 'lda:1.1', 'pca:-1', 'lda:nan'])
def test_no_such_shrinkage(kind):
    with pytest.raises(ValueError, match='a number from 0 to 1'):
        Gallery(whiten=kind)


def test_another_shrinkage_is_another_gallery(tmp_path):
    path = tmp_path / 'gallery.safetensors'
    gallery = filled('lda:0.6')
    gallery.save(path)
    loaded = Gallery.load(path, FINGERPRINT, whiten='lda:0.6')
    assert loaded.whiten == 'lda:0.6'
    assert loaded.embeddings.equal(gallery.embeddings)
    with pytest.raises(ValueError, match=r'lda:0\.6'):
        Gallery.load(path, FINGERPRINT, whiten='lda')


def test_more_dimensions_than_images():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(12, 50, generator=generator)
    labels = torch.arange(12) // 3
    whitened = fit_whitening(features, labels, 'lda')(features)
    assert whitened.isfinite().all()
    torch.testing.assert_close(whitened.norm(dim=1), torch.ones(12))


def test_retrieval_gets_better_where_the_noise_is_correlated():
    queries, truth = made_up(num_images=200, seed=1)
    hits = {
        whiten: float(
            (filled(whiten).search(queries, 1).labels[:, 0] == truth)
            .double()
            .mean()
        )
        for whiten in (None, 'lda')
    }
    assert hits['lda'] > hits[None] + 0.1


@pytest.mark.parametrize('index', [None, 'Flat'], ids=['exact', 'faiss'])
@pytest.mark.parametrize('whiten', ['lda', 'pca'])
def test_search_compares_whitened_queries(whiten, index):
    gallery = filled(whiten, index=index)
    features, labels = made_up()
    rows = F.normalize(features)
    whitening = fit_whitening(rows, labels, whiten)
    assert gallery.embeddings.equal(whitening(rows))
    queries, _ = made_up(num_images=5, seed=1)
    cosines = whitening(F.normalize(queries)) @ gallery.embeddings.T
    found = gallery.search(3 * queries, 7)
    assert found.indices.equal(cosines.topk(7).indices)
    torch.testing.assert_close(found.similarities, cosines.topk(7).values)


def test_file_keeps_the_whitening(tmp_path):
    gallery = filled('lda')
    path = tmp_path / 'gallery.safetensors'
    gallery.save(path)
    loaded = Gallery.load(path, FINGERPRINT, whiten='lda')
    assert loaded.whiten == 'lda'
    assert loaded.fingerprint == {**FINGERPRINT, 'whiten': 'lda'}
    queries, _ = made_up(num_images=5, seed=1)
    found, expected = loaded.search(queries, 3), gallery.search(queries, 3)
    assert found.similarities.equal(expected.similarities)
    loaded.check(FINGERPRINT)
    # Without an expectation the file decides.
    assert (
        Gallery.load(path).transform(queries).equal(gallery.transform(queries))
    )


def test_file_without_whitening_is_the_old_one(tmp_path):
    path = tmp_path / 'gallery.safetensors'
    filled(None).save(path)
    with safe_open(path, framework='pt') as file:
        assert set(file.keys()) == {'embeddings', 'labels'}
        assert file.metadata()['version'] == '1'
        assert 'whiten' not in file.metadata()
    filled('lda').save(path)
    with safe_open(path, framework='pt') as file:
        # Who reads version 1 alone would search without whitening.
        assert file.metadata()['version'] == '2'


@pytest.mark.parametrize('made, wanted', [('lda', None), (None, 'pca')])
def test_gallery_of_another_whitening_is_refused(tmp_path, made, wanted):
    path = tmp_path / 'gallery.safetensors'
    filled(made).save(path)
    message = rf'whiten \(gallery {made or "none"}, model {wanted or "none"}\)'
    message = message.lower()
    with pytest.raises(ValueError, match=message):
        Gallery.load(path, FINGERPRINT, whiten=wanted)


def test_parts_are_scaled_by_themselves():
    embeddings = torch.tensor([[3.0, 4.0, 0.1], [30.0, 40.0, -7.0]])
    half = 0.5**0.5
    torch.testing.assert_close(
        normalize_parts(embeddings, (2, 1)),
        half * torch.tensor([[0.6, 0.8, 1.0], [0.6, 0.8, -1.0]]),
    )
    assert normalize_parts(embeddings).equal(F.normalize(embeddings))
    with pytest.raises(ValueError, match=r'make 4, but .* have 3'):
        normalize_parts(embeddings, (2, 2))


@pytest.mark.parametrize(
    'kwargs, splits',
    [
        ({}, False),
        ({'whiten': 'lda'}, True),
        ({'split_parts': True}, True),
        ({'whiten': 'pca', 'split_parts': False}, False),
    ],
)
def test_gallery_scales_parts(tmp_path, kwargs, splits):
    features, labels = made_up()
    gallery = Gallery(**kwargs)
    names = [str(i) for i in range(len(labels))]
    gallery.fill(features, labels, names, {}, parts=(4, 2))
    assert gallery.parts == ((4, 2) if splits else None)
    rows = normalize_parts(features, gallery.parts)
    if gallery.whiten:
        rows = fit_whitening(rows, labels, gallery.whiten)(rows)
    assert gallery.embeddings.equal(rows)
    gallery.save(tmp_path / 'gallery.safetensors')
    loaded = Gallery.load(tmp_path / 'gallery.safetensors')
    assert loaded.parts == gallery.parts
    queries, _ = made_up(num_images=5, seed=1)
    assert loaded.transform(queries).equal(gallery.transform(queries))


@pytest.mark.parametrize('whiten', [None, 'lda'])
def test_prototypes_are_the_means_of_the_rows(whiten):
    features, labels = made_up()
    labels[labels == 1] = 2
    gallery = Gallery(whiten=whiten)
    gallery.fill(
        features,
        labels,
        [str(i) for i in range(len(labels))],
        FINGERPRINT,
        class_names=['a', 'b', 'c', 'd'],
    )
    prototypes = gallery.prototypes()
    assert prototypes.image_ids == ['a', 'c', 'd']
    assert prototypes.labels.tolist() == [0, 2, 3]
    queries, _ = made_up(num_images=5, seed=1)
    similarities = gallery.class_similarities(queries)
    assert (similarities[:, 1] == -2).all()
    for row, c in enumerate((0, 2, 3)):
        mean = F.normalize(gallery.embeddings[labels == c].mean(0), dim=0)
        torch.testing.assert_close(prototypes.embeddings[row], mean)
        torch.testing.assert_close(
            similarities[:, c], gallery.transform(queries) @ mean
        )
    best = prototypes.search(queries, 1)
    assert best.labels[:, 0].equal(similarities.argmax(1))
    # It is saved and loaded like any gallery.
    assert prototypes.num_classes == 4 and gallery.prototypes() is prototypes


def test_prototypes_follow_the_content():
    gallery = filled(None)
    before = gallery.prototypes()
    gallery.fill(torch.eye(2), torch.tensor([0, 1]), ['a', 'b'], {})
    assert gallery.prototypes() is not before
    assert gallery.class_similarities(torch.eye(2)).equal(torch.eye(2))


def test_whitenings_that_cannot_be():
    features, labels = made_up()
    with pytest.raises(ValueError, match=r"whiten must be .*'zca'"):
        Gallery(whiten='zca')
    with pytest.raises(ValueError, match='two images or more'):
        fit_whitening(features, torch.arange(len(features)), 'lda')
    with pytest.raises(ValueError, match='each class are equal'):
        fit_whitening(torch.eye(2)[labels % 2], labels % 2, 'lda')
    with pytest.raises(ValueError, match='all images are equal'):
        fit_whitening(torch.ones(5, 3) / 3**0.5, labels[:5], 'pca')
    with pytest.raises(RuntimeError, match='empty'):
        Gallery().prototypes()
    with pytest.raises(ValueError, match='6 dimensions'):
        filled().class_similarities(torch.ones(2, 5))
