"""Images and classes that are added to a gallery, and taken out again."""

import pytest
import torch

from mmc2f.retrieval import Gallery
from mmc2f.retrieval.image_ids import hash_images

NAMES = ['crow', 'raven']
IDS = ['c0', 'c1', 'r0', 'r1', 'r2']
LABELS = [0, 0, 1, 1, 1]


def made_by(ids=IDS, labels=LABELS):
    return {
        'weights': 'w',
        'classes': 'c',
        'images': hash_images(ids, labels),
    }


def filled(whiten=None):
    gallery = Gallery(whiten=whiten)
    rows = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    gallery.fill(rows, torch.tensor(LABELS), IDS, made_by(), class_names=NAMES)
    return gallery


def new_rows(count=2):
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(1))


def same(a, b):
    assert a.embeddings.equal(b.embeddings)
    assert a.labels.equal(b.labels)
    for name in (
        *('image_ids', 'fingerprint', 'num_classes'),
        *('class_names', 'num_added', 'missing_classes'),
    ):
        assert getattr(a, name) == getattr(b, name), name


@pytest.mark.parametrize('whiten', [None, 'pca'])
def test_an_added_image_is_its_own_nearest(whiten):
    gallery = filled(whiten)
    rows = new_rows()
    gallery.add(rows, ['n0', 'n1'], 'crow')
    found = gallery.search(rows, 1)
    assert found.indices[:, 0].tolist() == [5, 6]
    assert found.labels[:, 0].tolist() == [0, 0]
    assert found.similarities[:, 0].tolist() == pytest.approx([1, 1])
    assert gallery.num_classes == 2
    assert gallery.added_classes == []


def test_a_new_class_comes_last():
    gallery = filled()
    gallery.add(new_rows(), ['n0', 'n1'], 'jackdaw', is_new=True)
    assert gallery.class_names == [*NAMES, 'jackdaw']
    assert gallery.labels.tolist() == [*LABELS, 2, 2]
    assert gallery.added_classes == ['jackdaw']
    assert gallery.model_classes == NAMES
    # The prototype that was made before is not kept.
    assert gallery.prototypes().image_ids == [*NAMES, 'jackdaw']


@pytest.mark.parametrize('is_new', [False, True])
def test_the_file_holds_what_was_added(tmp_path, is_new):
    gallery = filled('pca')
    gallery.add(
        new_rows(), ['n0', 'n1'], 'crow' if not is_new else 'x', is_new
    )
    gallery.save(tmp_path / 'g.safetensors')
    same(Gallery.load(tmp_path / 'g.safetensors'), gallery)


def test_the_fingerprint_tells_the_images():
    gallery = filled()
    gallery.check(made_by())
    gallery.add(new_rows(1), ['n0'], 'crow')
    expected = made_by([*IDS, 'n0'], [*LABELS, 0])
    gallery.check(expected)
    with pytest.raises(ValueError, match=r'images .* differs'):
        gallery.check(made_by())
    # Weights and classes of the model are what they were.
    del expected['images']
    gallery.check(expected)


def test_an_old_gallery_gets_no_digest_of_images():
    gallery = filled()
    del gallery.fingerprint['images']
    gallery.add(new_rows(1), ['n0'], 'crow')
    assert 'images' not in gallery.fingerprint


@pytest.mark.parametrize('is_new', [False, True])
@pytest.mark.parametrize('by_name', [False, True])
def test_taking_out_what_was_added_gives_the_old_gallery(is_new, by_name):
    gallery = filled()
    gallery.add(new_rows(), ['n0', 'n1'], 'jackdaw', is_new=True)
    name = 'rook' if is_new else 'raven'
    gallery.add(new_rows(1), ['m0'], name, is_new)
    gallery.remove(['m0'])
    assert gallery.class_names == [*NAMES, 'jackdaw']
    if by_name:
        gallery.remove(class_names=['jackdaw'])
    else:
        gallery.remove(['n0', 'n1'])
    same(gallery, filled())


def test_labels_close_up_after_a_class_that_goes():
    gallery = filled()
    gallery.add(new_rows(1), ['n0'], 'jackdaw', is_new=True)
    gallery.add(new_rows(1), ['m0'], 'rook', is_new=True)
    gallery.remove(class_names=['jackdaw'])
    assert gallery.class_names == [*NAMES, 'rook']
    assert gallery.labels.tolist() == [*LABELS, 2]
    assert gallery.added_classes == ['rook']


def test_a_class_of_the_model_stays_without_an_image():
    gallery = filled()
    gallery.remove(class_names=['crow'])
    assert gallery.class_names == NAMES
    assert gallery.missing_classes == [0]
    assert gallery.num_added == 0


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ((['n0'], 'crwo'), r"no class 'crwo'; do you mean crow\?.*--new"),
        ((['n0'], 'crow', True), "a class 'crow' already"),
        ((['r0'], 'crow'), 'twice: r0'),
        ((['n0', 'n0'], 'crow'), 'twice: n0'),
    ],
)
def test_what_cannot_be_added_changes_nothing(words, message):
    gallery = filled()
    with pytest.raises(ValueError, match=message):
        gallery.add(new_rows(len(words[0])), *words)
    same(gallery, filled())


def test_rows_that_are_none_are_refused():
    gallery = filled()
    rows = new_rows(1)
    with pytest.raises(ValueError, match='4 dimensions'):
        gallery.add(rows[:, :3], ['n0'], 'crow')
    with pytest.raises(ValueError, match='NaN'):
        gallery.add(rows * torch.nan, ['n0'], 'crow')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ((['gone'],), 'no image gone'),
        (((), ['gone']), 'no class gone'),
        ((IDS,), 'no image would be left'),
    ],
)
def test_what_cannot_be_taken_out_changes_nothing(words, message):
    gallery = filled()
    with pytest.raises(ValueError, match=message):
        gallery.remove(*words)
    same(gallery, filled())


def test_classes_without_names_cannot_be_added_to():
    gallery = Gallery()
    gallery.fill(new_rows(), torch.tensor([0, 1]), ['a', 'b'], {})
    with pytest.raises(ValueError, match='have no names'):
        gallery.add(new_rows(1), ['n0'], 'crow')
