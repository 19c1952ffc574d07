"""Images that are added to a gallery are embedded all, or none."""

from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from mmc2f.apis.model_gallery import build_model_gallery, embed_files


@pytest.fixture
def images(tmp_path):
    for name in ('a.png', 'b.png'):
        Image.new('RGB', (4, 4)).save(tmp_path / name)
    return [str(tmp_path / 'a.png'), str(tmp_path / 'b.png')]


class Sample(SimpleNamespace):
    def __contains__(self, name):
        return hasattr(self, name)


def embeds(names, **options):
    rows = range(len(names))
    return [Sample(embedding=torch.full((3,), float(i))) for i in rows]


def test_embeddings_come_with_absolute_paths(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows, names = embed_files(embeds, ['b.png', 'a.png'])
    assert rows.tolist() == [[0.0] * 3, [1.0] * 3]
    assert names == images[::-1]


def test_nothing_is_added_where_an_image_is_missing(images):
    message = 'nothing was added: .*none.png.*, and 1 more'
    paths = [*images, '/nowhere/none.png', '/nowhere/other.png']
    with pytest.raises(ValueError, match=message):
        embed_files(embeds, paths)


def test_nothing_is_added_where_an_image_cannot_be_read(images):
    def damaged(names, **options):
        return [*embeds(names[1:]), dict(image=names[0], error='a is damaged')]

    with pytest.raises(ValueError, match='added: a is damaged'):
        embed_files(damaged, images)


def test_a_model_without_embeddings_has_no_gallery(images):
    with pytest.raises(ValueError, match='needs a model that embeds images'):
        embed_files(lambda names, **_: [Sample()] * len(names), images)
    with pytest.raises(ValueError, match='Linear does not'):
        build_model_gallery(torch.nn.Linear(1, 1))
