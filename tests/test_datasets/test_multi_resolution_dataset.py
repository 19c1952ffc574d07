"""One data set at several resolutions."""

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS
from tiny_ccfr import CLASSES, IMAGES_PER_CLASS, TREE, write_images
from tiny_views import VIEWS, views_loader

from mmc2f.datasets import ImageFolder, MultiResolutionDataset
from mmc2f.datasets.transforms.degrade_resolution import degrade
from mmc2f.structures import LabelTree

TAXA = LabelTree(
    ('species', 'genus', 'family'),
    (('ant', 'bee', 'cat', 'dog'), ('insect', 'feline', 'canine'), ('b', 'm')),
    ((0, 0, 1, 2), (0, 1, 1)),
)
TAXA_VIEWS = (
    dict(name='near', level='species', resolution=None),
    dict(name='mid', level=1, resolution=56),
    dict(name='far', level=-1, resolution=28),
)
# By image: species, genus, family.
LABELS = ((3, 2, 1), (0, 0, 0), (2, 1, 1), (1, 0, 0), (3, 2, 1))


class Animals(BaseDataset):
    """Samples that are a label and the path of no file."""

    METAINFO = {'classes': ('ant', 'bee', 'cat', 'dog'), 'source': 'zoo'}  # noqa: RUF012

    def __init__(self, labels=tuple(row[0] for row in LABELS), **kwargs):
        self.labels = labels
        self.times_loaded = 0
        super().__init__(**kwargs)

    def load_data_list(self):
        self.times_loaded += 1
        return [
            {'img_path': f'{i}.jpg', 'gt_label': label}
            for i, label in enumerate(self.labels)
        ]


def wrap(dataset=None, tree=TAXA, views=TAXA_VIEWS, **kwargs):
    # Not by its truth: that is its length, which would read it.
    dataset = Animals() if dataset is None else dataset
    return MultiResolutionDataset(dataset, tree, views, **kwargs)


def test_serves_every_image_in_every_view():
    dataset = wrap()
    assert len(dataset) == 15
    seen = [dataset.get_data_info(index) for index in range(15)]
    expected = []
    for view, level, resolution in (
        ('near', 0, None),
        ('mid', 1, 56),
        ('far', 2, 28),
    ):
        for image in range(5):
            expected.append(
                dict(
                    img_path=f'{image}.jpg',
                    sample_idx=len(expected),
                    view=view,
                    level=level,
                    resolution=resolution,
                    gt_label=LABELS[image][level],
                )
            )
    levels = [info.pop('gt_label_levels') for info in seen]
    assert seen == expected
    for index, label in enumerate(levels):
        assert label.dtype == torch.int64
        assert label.tolist() == list(LABELS[index % 5])


def test_groups_are_the_indices_of_the_views():
    dataset = wrap()
    assert dataset.groups == [range(5), range(5, 10), range(10, 15)]
    for view, group in zip(TAXA_VIEWS, dataset.groups, strict=True):
        names = {dataset.get_data_info(index)['view'] for index in group}
        assert names == {view['name']}


def test_samples_are_copies():
    dataset = wrap(Animals(serialize_data=False))
    info = dataset.get_data_info(6)
    info['gt_label_levels'].zero_()
    info['view'] = 'changed'
    again = dataset.get_data_info(6)
    assert again['view'] == 'mid'
    assert again['gt_label_levels'].tolist() == list(LABELS[1])
    assert 'view' not in dataset.dataset.get_data_info(1)


def test_negative_indices_count_from_the_end():
    dataset = wrap()
    assert dataset.get_data_info(-1)['sample_idx'] == 14
    assert dataset.get_data_info(-15)['view'] == 'near'


@pytest.mark.parametrize('index', [15, -16])
def test_indices_end(index):
    dataset = wrap()
    with pytest.raises(IndexError, match=f'no sample {index} among 15'):
        dataset.get_data_info(index)
    with pytest.raises(IndexError, match=f'no sample {index} among 15'):
        dataset[index]


def test_can_be_looped_over():
    assert [sample['sample_idx'] for sample in wrap()] == list(range(15))


def test_metainfo():
    dataset = wrap()
    assert dataset.metainfo == {
        'classes': ('ant', 'bee', 'cat', 'dog'),
        'source': 'zoo',
        'levels': ['species', 'genus', 'family'],
        'level_classes': [
            ['ant', 'bee', 'cat', 'dog'],
            ['insect', 'feline', 'canine'],
            ['b', 'm'],
        ],
        'views': ['near', 'mid', 'far'],
    }
    dataset.metainfo['views'].append('changed')
    assert dataset.metainfo['views'] == ['near', 'mid', 'far']
    assert 'views' not in dataset.dataset.metainfo


def test_finest_names_are_those_of_the_data():
    classes = ('Ant', 'Bee', 'Cat', 'Dog')
    dataset = wrap(Animals(metainfo={'classes': classes}))
    assert dataset.metainfo['level_classes'][0] == list(classes)


def test_categories_are_those_of_the_view():
    dataset = wrap()
    assert [dataset.get_cat_ids(index) for index in (0, 5, 10)] == [
        [3],
        [2],
        [1],
    ]


def test_data_root_is_that_of_the_data():
    assert wrap(Animals(data_root='zoo')).data_root == 'zoo'
    both = ConcatDataset([Animals(), Animals()])
    assert wrap(both).data_root is None
    assert len(wrap(both)) == 30


def test_lazy_init():
    inner = Animals(lazy_init=True)
    dataset = wrap(inner, lazy_init=True)
    assert dataset.metainfo['views'] == ['near', 'mid', 'far']
    assert inner.times_loaded == 0
    dataset.full_init()
    dataset.full_init()
    assert inner.times_loaded == 1
    late = wrap(Animals(lazy_init=True), lazy_init=True)
    assert len(late) == 15
    assert len(wrap(Animals(lazy_init=True), lazy_init=True).groups) == 3


def test_classes_known_only_after_reading(tmp_path):
    write_images(tmp_path, splits=['train'])
    inner = ImageFolder(str(tmp_path), lazy_init=True)
    dataset = MultiResolutionDataset(inner, TREE, VIEWS, lazy_init=True)
    assert 'classes' not in dataset.metainfo
    assert dataset.metainfo['level_classes'][0] == list(CLASSES)
    dataset.full_init()
    assert dataset.metainfo['classes'] == CLASSES


def test_repr_shows_data_and_views():
    text = repr(wrap())
    assert 'Animals' in text
    assert "ResolutionView(name='mid', level=1, resolution=56)" in text


def test_one_level_tree():
    tree = LabelTree(('species',), (Animals.METAINFO['classes'],), ())
    views = [
        dict(name='near', level=0, resolution=None),
        dict(name='far', level=0, resolution=8),
    ]
    dataset = wrap(tree=tree, views=views)
    assert len(dataset) == 10
    assert [dataset.get_data_info(i)['gt_label'] for i in (0, 5)] == [3, 3]
    assert dataset.get_data_info(9)['gt_label_levels'].tolist() == [3]
    with pytest.raises(ValueError, match="view 'mid': no level 1; the levels"):
        wrap(tree=tree)


def test_level_with_one_class():
    tree = LabelTree(
        ('species', 'kingdom'),
        (Animals.METAINFO['classes'], ('animal',)),
        ((0, 0, 0, 0),),
    )
    dataset = wrap(
        tree=tree, views=[dict(name='far', level='kingdom', resolution=8)]
    )
    infos = [dataset.get_data_info(index) for index in range(5)]
    assert {info['gt_label'] for info in infos} == {0}
    assert [info['gt_label_levels'][0].item() for info in infos] == [
        row[0] for row in LABELS
    ]


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        (('ant', 'bee'), 'Animals has 2 classes, but level .* has 4'),
        (
            ('bee', 'ant', 'cat', 'dog'),
            "class 0 is 'bee' in Animals, but 'ant' in the hierarchy",
        ),
        ((), 'Animals names no classes'),
    ],
)
def test_tree_of_other_classes(classes, message):
    inner = Animals(metainfo={'classes': classes}, lazy_init=True)
    dataset = wrap(inner, lazy_init=True)
    with pytest.raises(ValueError, match=message):
        dataset.full_init()


@pytest.mark.parametrize('label', [4, -1, [0, 1], None])
def test_label_outside_of_the_tree(label):
    dataset = wrap(Animals(labels=(0, label)))
    assert dataset.get_data_info(0)['gt_label'] == 0
    with pytest.raises(ValueError, match=r'image 1\.jpg .*gt_label'):
        dataset.get_data_info(3)


def test_pipeline_inside_would_not_run():
    inner = Animals(pipeline=[lambda info: info])
    with pytest.raises(ValueError, match=r'Animals inside of .* move it out'):
        wrap(inner)


def test_labels_of_the_pipeline_would_be_wrong():
    step = dict(type='mmc2f.AddHierarchyLabels', tree=TAXA)
    with pytest.raises(ValueError, match='has AddHierarchyLabels'):
        wrap(pipeline=[step])


@pytest.mark.parametrize('dataset', [['a.jpg'], 'ImageFolder'])
def test_what_is_no_data_set(dataset):
    name = type(dataset).__name__
    with pytest.raises(TypeError, match=f'or its config, not a {name}'):
        wrap(dataset)


class Unreadable:
    """Loses the images of the given numbers, and notes what it is asked."""

    def __init__(self, *lost):
        self.lost = lost
        self.seen = []

    def __call__(self, info):
        self.seen.append(info['sample_idx'])
        return None if info['sample_idx'] % 5 in self.lost else info


def test_another_image_of_the_view_takes_the_place_of_an_unreadable_one():
    pipeline = Unreadable(1, 3)
    dataset = wrap(pipeline=[pipeline])
    taken = {name: set() for name in ('near', 'mid', 'far')}
    for index in np.tile([1, 6, 11], 30):
        sample = dataset[index]
        assert sample['view'] == TAXA_VIEWS[index // 5]['name']
        taken[sample['view']].add(sample['sample_idx'] % 5)
    assert taken == {name: {0, 2, 4} for name in taken}


def test_readable_images_are_read_once():
    pipeline = Unreadable(1)
    dataset = wrap(pipeline=[pipeline])
    assert dataset[7]['sample_idx'] == 7
    assert pipeline.seen == [7]


def test_testing_needs_every_image():
    pipeline = Unreadable(1)
    dataset = wrap(Animals(test_mode=True), pipeline=[pipeline])
    with pytest.raises(RuntimeError, match=r'sample 6 .* must be readable'):
        dataset[6]
    assert pipeline.seen == [6]


def test_no_image_can_be_read():
    pipeline = Unreadable(*range(5))
    dataset = wrap(Animals(max_refetch=3), pipeline=[pipeline])
    with pytest.raises(RuntimeError, match=r'sample 6 .* nor for 3 other'):
        dataset[6]
    assert len(pipeline.seen) == 4
    assert {index // 5 for index in pipeline.seen} == {1}


@pytest.mark.parametrize('workers', [0, 2])
def test_from_files_to_batches(tmp_path, workers):
    init_default_scope('mmpretrain')
    write_images(tmp_path, splits=['val'])
    loader = views_loader(tmp_path, 'val', batch_size=8, in_turn=False)
    loader['dataset']['dataset'].update(split='val', classes_from='val')
    loader['num_workers'] = workers
    loader = Runner.build_dataloader(loader, seed=0)
    plain = ImageFolder(
        str(tmp_path),
        'val',
        classes_from='val',
        pipeline=[dict(type='mmc2f.LoadImage')],
    )
    parents = TREE['parents'][0]
    seen = 0
    for batch in loader:
        for pixels, sample in zip(
            batch['inputs'], batch['data_samples'], strict=True
        ):
            view, image = divmod(sample.sample_idx, len(plain))
            spec, truth = VIEWS[view], plain[image]
            assert sample.view == spec['name']
            assert sample.resolution == spec['resolution']
            levels = [truth['gt_label'], parents[truth['gt_label']]]
            assert sample.gt_label_levels.tolist() == levels
            assert sample.level == int(view > 0)
            assert sample.gt_label.tolist() == [levels[sample.level]]
            assert sample.img_path == truth['img_path']
            expected = truth['img']
            if view:
                expected = degrade(expected, spec['resolution'])
            assert np.array_equal(pixels.permute(1, 2, 0), expected)
            assert sample.sample_idx == seen
            seen += 1
    assert seen == 3 * IMAGES_PER_CLASS * len(CLASSES)


def test_registered_name_and_packaged_tree(tmp_path):
    names = LabelTree.build('grocery').names()
    (tmp_path / 'train' / names[7]).mkdir(parents=True)
    (tmp_path / 'train' / names[7] / '0.png').touch()
    dataset = DATASETS.build(
        dict(
            type='mmc2f.MultiResolutionDataset',
            dataset=dict(
                type='mmc2f.ImageFolder',
                data_root=str(tmp_path),
                classes=names,
            ),
            tree='grocery',
            views=[dict(name='far', level='department', resolution=28)],
        )
    )
    assert len(dataset) == 1
    assert dataset.get_data_info(0)['gt_label_levels'][0] == 7
