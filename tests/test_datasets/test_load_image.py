import io
import os

import cv2
import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import BaseDataset
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from torch.utils.data import DataLoader

from mmc2f.datasets import ImageFolder
from mmc2f.datasets.transforms import LoadImage, load_image

# Four quarters of one colour each, wider than high.
RGB = np.zeros((32, 48, 3), np.uint8)
RGB[:16, :24], RGB[:16, 24:] = (200, 60, 20), (10, 120, 240)
RGB[16:, :24], RGB[16:, 24:] = (128, 128, 128), (250, 250, 5)
GREY = np.asarray(Image.fromarray(RGB).convert('L'))
SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6


@pytest.fixture
def save(tmp_path):
    def save_image(image, name, **options):
        path = str(tmp_path / name)
        if not isinstance(image, Image.Image):
            image = Image.fromarray(image)
        image.save(path, **options)
        return path

    return save_image


def load(path):
    results = LoadImage()({'img_path': path})
    image = results['img']
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert results['img_shape'] == results['ori_shape'] == image.shape[:2]
    return image


def rgb_of(path):
    return load(path)[:, :, ::-1].astype(int)


def assert_close(image, expected, tolerance):
    assert image.shape == expected.shape
    # Only inside the quarters: JPEG blurs their borders.
    inner = np.ix_([4, 27], [4, 43])
    assert np.abs(image[inner] - expected[inner].astype(int)).max() <= (
        tolerance
    )


def bytes_of(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


@pytest.mark.parametrize('name', ['x.jpg', 'x.png', 'x.bmp', 'x.tif'])
def test_colour_equals_what_mmcv_loads(save, name):
    path = save(RGB, name)
    np.testing.assert_array_equal(
        load(path), LoadImageFromFile()({'img_path': path})['img']
    )


@pytest.mark.parametrize('name', ['x.jpg', 'x.png'])
def test_grey_becomes_three_equal_channels(save, name):
    image = rgb_of(save(GREY, name))
    assert_close(image, np.repeat(GREY[:, :, None], 3, axis=2), 3)
    assert (image == image[:, :, :1]).all()


@pytest.mark.parametrize('name', ['x.jpg', 'x.tif'])
def test_cmyk(save, name):
    path = save(Image.fromarray(RGB).convert('CMYK'), name)
    assert_close(rgb_of(path), RGB, 6)


@pytest.mark.parametrize('name', ['x.png', 'x.tif'])
def test_16_bit_grey_keeps_its_range(save, name):
    wide = np.linspace(0, 65535, 32 * 48).reshape(32, 48).astype(np.uint16)
    image = rgb_of(save(wide, name))
    assert np.abs(image[:, :, 0] - wide / 257).max() <= 0.5
    assert image.min() == 0
    assert image.max() == 255


@pytest.mark.parametrize('name', ['x.png', 'x.tif'])
def test_16_bit_colour_keeps_its_range(tmp_path, name):
    path = str(tmp_path / name)
    cv2.imwrite(path, RGB[:, :, ::-1].astype(np.uint16) * 257)
    assert_close(rgb_of(path), RGB, 1)


def test_16_bit_values_in_a_wider_file(save):
    wide = GREY.astype(np.int32) * 257
    assert_close(
        rgb_of(save(wide, 'x.tif')),
        np.repeat(GREY[:, :, None], 3, axis=2),
        0,
    )


def test_palette(save):
    palette = Image.fromarray(RGB).quantize(4)
    assert_close(rgb_of(save(palette, 'x.png')), RGB, 3)
    assert_close(rgb_of(save(palette, 'x.gif')), RGB, 3)


def test_black_and_white(save):
    image = rgb_of(save(Image.fromarray(GREY > 127), 'x.png'))
    assert set(np.unique(image)) == {0, 255}


@pytest.mark.parametrize('alpha', [0, 51, 255])
def test_alpha_lies_on_white(save, alpha):
    layer = np.full((*GREY.shape, 1), alpha, np.uint8)
    on_white = 255 - alpha / 255 * (255 - RGB)
    path = save(np.dstack([RGB, layer]), 'rgba.png')
    assert_close(rgb_of(path), on_white, 1)
    path = save(np.dstack([GREY, layer]), 'la.png')
    grey = np.repeat(GREY[:, :, None], 3, axis=2)
    assert_close(rgb_of(path), 255 - alpha / 255 * (255 - grey), 1)


def test_transparent_colour_is_white(save):
    path = save(RGB, 'x.png', transparency=tuple(RGB[0, 0].tolist()))
    expected = RGB.copy()
    expected[:16, :24] = 255
    assert_close(rgb_of(path), expected, 0)
    palette = Image.fromarray(RGB).quantize(4)
    path = save(palette, 'p.png', transparency=palette.getpixel((0, 0)))
    assert_close(rgb_of(path), expected, 3)


@pytest.mark.parametrize('name', ['x.jpg', 'x.png', 'x.webp'])
def test_orientation_is_applied(save, name):
    path = save(RGB, name, exif=SIDEWAYS, quality=95)
    assert load(path).shape == (48, 32, 3)
    # Orientation 6: the file shows the scene turned left by a quarter.
    expected = np.rot90(RGB, -1)[np.ix_([4, 43], [4, 27])]
    image = rgb_of(path)[np.ix_([4, 43], [4, 27])]
    assert np.abs(image - expected).max() <= 12


def test_loaded_image_is_left_as_it_is():
    results = {'img': RGB}
    assert LoadImage()(results) is results


def test_built_from_a_config():
    transform = TRANSFORMS.build(
        {'type': 'mmc2f.LoadImage', 'on_error': 'skip'}
    )
    assert repr(transform) == "LoadImage(on_error='skip')"
    with pytest.raises(ValueError, match="got 'ignore'"):
        LoadImage(on_error='ignore')


@pytest.fixture(
    params=[
        'text',
        'empty',
        'cut.jpg',
        'cut.png',
        'no_end.jpg',
        'float',
        'int',
    ]
)
def broken(request, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    noise = Image.fromarray(noise)
    jpg, png = bytes_of(noise, format='JPEG'), bytes_of(noise, format='PNG')
    wide = Image.fromarray(np.full((4, 4), 70000, np.int32))
    content = {
        'text': b'<html>not found</html>',
        'empty': b'',
        'cut.jpg': jpg[: len(jpg) // 2],
        'cut.png': png[: len(png) // 2],
        'no_end.jpg': jpg[:-2],
        'float': bytes_of(
            Image.fromarray(GREY / np.float32(9)), format='TIFF'
        ),
        'int': bytes_of(wide, format='TIFF'),
    }
    path = tmp_path / f'{request.param}.img'
    path.write_bytes(content[request.param])
    return str(path)


def test_broken_file_is_named(broken):
    with pytest.raises(OSError, match=r'cannot be read.*on_error') as caught:
        LoadImage()({'img_path': broken})
    assert broken in str(caught.value)


def test_missing_file_is_an_error_even_when_skipping(tmp_path):
    for on_error in ('raise', 'skip'):
        with pytest.raises(FileNotFoundError, match=r'no\.jpg.*MMC2F_DATA'):
            LoadImage(on_error)({'img_path': str(tmp_path / 'no.jpg')})


class OneBroken(BaseDataset):
    def __init__(self, paths, **kwargs):
        super().__init__(paths, serialize_data=False, **kwargs)

    def load_data_list(self):
        return [{'img_path': path} for path in self.ann_file]

    def _join_prefix(self):
        pass


def test_skipped_file_is_counted_reported_once_and_replaced(
    monkeypatch, save, broken
):
    lines = []
    monkeypatch.setattr(
        load_image, 'print_log', lambda text, **kwargs: lines.append(text)
    )
    good = save(RGB, 'good.png')
    transform = LoadImage(on_error='skip')
    dataset = OneBroken([good, broken], pipeline=[transform])
    for _ in range(2):
        assert dataset[1]['img_path'] == good
    assert transform.num_skipped >= 2
    assert list(transform.skip_counts) == [broken]
    assert len(lines) == 1
    assert broken in lines[0]
    assert '1 such files' in lines[0]
    testing = OneBroken([broken], pipeline=[transform], test_mode=True)
    with pytest.raises(Exception, match='None'):
        testing[0]


def test_larger_images_than_allowed_count_as_damaged(save):
    path = save(RGB, 'x.png')
    message = r'x\.png cannot be read: it has 48 x 32 pixels, .*=1535'
    with pytest.raises(OSError, match=message):
        LoadImage(max_pixels=1535)({'img_path': path})
    assert 'img' in LoadImage(max_pixels=1536)({'img_path': path})
    assert LoadImage('skip', max_pixels=9)({'img_path': path}) is None


def test_no_more_files_are_skipped_than_allowed(tmp_path):
    transform = LoadImage('skip', max_skipped=1)
    for name in ('a.jpg', 'b.jpg'):
        (tmp_path / name).write_bytes(b'no image')
    first, second = (
        {'img_path': str(tmp_path / name)} for name in ('a.jpg', 'b.jpg')
    )
    for _ in range(3):
        assert transform(first) is None
    message = r'b\.jpg cannot be read.* one more than max_skipped=1'
    with pytest.raises(OSError, match=message):
        transform(second)


@pytest.mark.parametrize(('limit', 'stops'), [(2, True), (3, False)])
def test_workers_count_together(save, tmp_path, limit, stops):
    paths = [save(RGB, f'{i}.png') for i in range(6)]
    for i in (0, 3, 5):
        (tmp_path / f'{i}.png').write_bytes(b'no image')
    dataset = OneBroken(paths, pipeline=[LoadImage('skip', max_skipped=limit)])
    # Each worker meets fewer files than the limit.
    loader = DataLoader(dataset, num_workers=3, collate_fn=list)

    def load():
        for _ in range(2):
            assert len(list(loader)) == 6

    if stops:
        with pytest.raises(OSError, match='one more than max_skipped=2'):
            load()
    else:
        load()


def test_name_that_is_not_utf_8(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        load_image, 'print_log', lambda text, **kwargs: lines.append(text)
    )
    folder = os.fsdecode(os.fsencode(tmp_path) + b'/train/caf\xe9')
    os.makedirs(folder)
    Image.fromarray(RGB).save(os.path.join(folder, os.fsdecode(b'\xff.png')))
    dataset = ImageFolder(
        str(tmp_path),
        pipeline=[LoadImage(), dict(type='mmpretrain.PackInputs')],
    )
    assert dataset.metainfo['classes'] == (os.fsdecode(b'caf\xe9'),)
    sample = dataset[0]['data_samples']
    assert sample.img_path == os.path.join(folder, os.fsdecode(b'\xff.png'))

    with open(sample.img_path, 'wb') as file:
        file.write(b'no image')
    with pytest.raises(
        OSError, match=r'caf\\xe9/\\xff\.png cannot be'
    ) as error:
        LoadImage()({'img_path': sample.img_path})
    str(error.value).encode()
    LoadImage('skip', max_skipped=1)({'img_path': sample.img_path})
    lines[0].encode()
