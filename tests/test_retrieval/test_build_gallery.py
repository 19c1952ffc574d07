"""Building a gallery in one process and in two."""

from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed
from mmengine.dataset import BaseDataset, DefaultSampler, pseudo_collate
from mmengine.structures import BaseDataElement
from ranks import LOOPBACK
from torch import nn
from torch.utils.data import DataLoader

from mmc2f.datasets import MultiResolutionDataset
from mmc2f.retrieval import Gallery, build_gallery

NUM_IMAGES = 11
FINGERPRINT = {'weights': 'w'}


class Pictures(BaseDataset):
    METAINFO = {'classes': ('ant', 'bee', 'cat')}  # noqa: RUF012

    def load_data_list(self):
        return [
            {
                'img_path': f'{self.data_root}/images/{i}.jpg',
                'gt_label': i % 3,
                'vector': torch.tensor([i + 1.0, 1.0, -i]),
            }
            for i in range(NUM_IMAGES)
        ]


class Embedder(nn.Module):
    """Answers as CCFR does; dropout shows in which mode it ran."""

    def __init__(self, without=None):
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.frozen = nn.BatchNorm1d(3).eval()
        self.without = without

    def test_step(self, batch):
        assert not torch.is_grad_enabled()
        samples = []
        for vector, label, path in zip(
            batch['vector'], batch['gt_label'], batch['img_path'], strict=True
        ):
            sample = BaseDataElement(metainfo={'img_path': path})
            if self.without != 'gt_label':
                sample.gt_label = torch.tensor([label])
            if self.without != 'embedding':
                sample.embedding = self.dropout(vector)
            if self.without == 'img_path':
                sample = BaseDataElement(**dict(sample.items()))
            samples.append(sample)
        return samples


def make_loader(dataset=None):
    if dataset is None:
        dataset = Pictures(data_root='/data/pictures', pipeline=[])
    return DataLoader(
        dataset,
        batch_size=2,
        sampler=DefaultSampler(dataset, shuffle=False),
        collate_fn=pseudo_collate,
    )


def build():
    return build_gallery(Embedder(), make_loader(), Gallery(), FINGERPRINT)


def test_holds_every_image_in_order():
    gallery = build()
    vectors = torch.stack([item['vector'] for item in make_loader().dataset])
    expected = nn.functional.normalize(vectors)
    torch.testing.assert_close(gallery.embeddings, expected)
    assert gallery.labels.tolist() == [i % 3 for i in range(NUM_IMAGES)]
    assert gallery.image_ids == [f'images/{i}.jpg' for i in range(NUM_IMAGES)]
    assert gallery.fingerprint == FINGERPRINT
    assert gallery.class_names == ['ant', 'bee', 'cat']


def test_view_of_a_data_set_is_as_the_data_set():
    tree = dict(
        levels=['species', 'kingdom'],
        classes=[['ant', 'bee', 'cat'], ['animal']],
        parents=[[0, 0, 0]],
    )
    views = [dict(name='high', level='species', resolution=None)]
    dataset = MultiResolutionDataset(make_loader().dataset, tree, views)
    gallery = build_gallery(Embedder(), make_loader(dataset), Gallery(), {})
    plain = build()
    assert gallery.embeddings.equal(plain.embeddings)
    assert gallery.labels.equal(plain.labels)
    assert gallery.image_ids == plain.image_ids
    assert gallery.class_names == plain.class_names


def test_each_module_gets_its_mode_back():
    model = Embedder()
    build_gallery(model, make_loader(), Gallery(), {})
    assert model.training and model.dropout.training
    assert not model.frozen.training


def test_modes_come_back_after_an_error():
    model = Embedder(without='embedding')
    with pytest.raises(ValueError, match=r'images/0.jpg has no embedding'):
        build_gallery(model, make_loader(), Gallery(), {})
    assert model.training


def test_label_is_needed():
    with pytest.raises(ValueError, match='has no gt_label'):
        build_gallery(Embedder('gt_label'), make_loader(), Gallery(), {})


def test_no_image():
    with pytest.raises(ValueError, match='no image'):
        build_gallery(Embedder(), DataLoader([]), Gallery(), {})


def test_path_outside_the_data_root_stays():
    loader = make_loader()
    loader.dataset.data_root = '/other'
    gallery = build_gallery(Embedder(), loader, Gallery(), {})
    assert gallery.image_ids[1] == '/data/pictures/images/1.jpg'


def test_images_without_a_path_are_numbered():
    gallery = build_gallery(Embedder('img_path'), make_loader(), Gallery(), {})
    assert gallery.image_ids == [f'image {i}' for i in range(NUM_IMAGES)]


def build_on_a_rank(rank, folder):
    # They meet at a file: a port that was free a moment ago may be another
    # test's by now.
    torch.distributed.init_process_group(
        'gloo',
        init_method=(Path(folder) / 'store').as_uri(),
        world_size=2,
        rank=rank,
        timeout=timedelta(seconds=120),
    )
    try:
        loader = make_loader()
        # 11 images on two ranks: the sampler repeats one.
        assert len(loader.sampler) == 6
        build_gallery(Embedder(), loader, Gallery(), FINGERPRINT).save(
            f'{folder}/{rank}.safetensors'
        )
    finally:
        torch.distributed.destroy_process_group()


def test_two_ranks_build_the_gallery_of_one(tmp_path, monkeypatch):
    alone = build()
    # Else each looks up the machine's own name, in the network if need be.
    monkeypatch.setenv('GLOO_SOCKET_IFNAME', LOOPBACK)
    # Both are new: this process may have been in a group before, and counts
    # groups, by whose number the processes of one find each other.
    torch.multiprocessing.spawn(
        build_on_a_rank, args=(str(tmp_path),), nprocs=2
    )
    for rank in range(2):
        shared = Gallery.load(tmp_path / f'{rank}.safetensors', FINGERPRINT)
        assert shared.embeddings.equal(alone.embeddings)
        assert shared.labels.equal(alone.labels)
        assert shared.image_ids == alone.image_ids
