"""Folders of images that are not as a config says."""

import shutil

from corpus.bench import Bench
from corpus.case import Case


def without(split: str):
    def run(bench: Bench) -> None:
        images = bench.images()
        shutil.rmtree(images / split)
        spoiled(bench, split)

    return run


def spoiled(bench: Bench, split: str, *args: object) -> None:
    """Trains or tests on the copy."""
    option = f'data_root={bench.images()}'
    if split == 'train':
        bench.train(option, *args)
    else:
        bench.test(bench.world.checkpoint, option, *args)


def empty_class(bench: Bench) -> None:
    for path in (bench.images() / 'train' / 'cyan').iterdir():
        path.unlink()
    spoiled(bench, 'train', 'batch_size=6')


def no_image(bench: Bench) -> None:
    for path in (bench.images() / 'test').rglob('*.png'):
        path.unlink()
    spoiled(bench, 'test')


def class_more(split: str):
    def run(bench: Bench) -> None:
        images = bench.images() / split
        shutil.copytree(images / 'dun', images / 'elk')
        spoiled(bench, split)

    return run


def class_less(bench: Bench) -> None:
    shutil.rmtree(bench.images() / 'train' / 'dun')
    spoiled(bench, 'train')


def two_classes(*args: str):
    """The same image in two classes."""

    def run(bench: Bench) -> None:
        images = bench.images() / 'train'
        shutil.copy(images / 'blue' / '0.png', images / 'dun' / 'again.png')
        spoiled(bench, 'train', *args)

    return run


def two_splits(*args: str):
    """A training image in the test."""

    def run(bench: Bench) -> None:
        images = bench.images()
        shutil.copy(
            images / 'train' / 'blue' / '0.png',
            images / 'test' / 'blue' / 'seen.png',
        )
        spoiled(bench, 'train', *args)

    return run


def few_images(bench: Bench) -> None:
    """Fewer than a batch, with a sampler that drops the last one."""
    bench.train(
        'batch_size=64',
        'train_dataloader.sampler._delete_=True',
        'train_dataloader.sampler.type=DefaultSampler',
        'train_dataloader.sampler.shuffle=True',
        'train_dataloader.drop_last=True',
    )


CASES = [
    Case('no folder', without('train'), r"images/train' does not exist; set"),
    Case('no folder', without('test'), r"images/test' does not exist; set"),
    Case('no image', no_image, r'no image in the directories of .*images/te'),
    Case(
        'class without an image',
        empty_class,
        r"images/train has no image of 1 of 4 classes: 'cyan'",
        refuses=False,
    ),
    Case('class more in the training', class_more('train'), '5 classes'),
    Case(
        'class more in the test',
        class_more('test'),
        r"images/test has directories that are no classes: 'elk'",
    ),
    Case('class less', class_less, '3 classes'),
    Case(
        'image in two classes',
        two_classes(),
        r'1 image is in two classes: .*blue/0\.png .*dun/again\.png',
        refuses=False,
    ),
    Case(
        'image in two classes, --strict-data',
        two_classes('--strict-data'),
        r'1 image is in two classes: .*blue/0\.png .*dun/again\.png',
    ),
    Case(
        'image in training and test',
        two_splits(),
        r'1 image is in training and in validation or test.*seen\.png',
        refuses=False,
    ),
    Case(
        'image in training and test, --strict-data',
        two_splits('--strict-data'),
        r'1 image is in training and in validation or test.*seen\.png',
    ),
    Case('fewer images than a batch', few_images, '16 training images.* 64'),
]
