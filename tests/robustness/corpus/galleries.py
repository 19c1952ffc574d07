"""Galleries that hold what no gallery does, or belong to something else."""

import json
import shutil

from corpus.bench import Bench
from corpus.case import Case

NAME = r'gallery\.safetensors'


def tested(change, keep_digest: bool = False):
    """Tests with a gallery after a change."""
    return lambda b: b.test(
        *(b.world.checkpoint, '--gallery', b.gallery(change, keep_digest)),
    )


def not_a_number(tensors, metadata) -> None:
    tensors['embeddings'][2] = float('nan')


def twice_as_long(tensors, metadata) -> None:
    tensors['embeddings'][1] *= 2


def permuted(tensors, metadata) -> None:
    tensors['labels'] = tensors['labels'].flip(0)


def out_of_range(tensors, metadata) -> None:
    tensors['labels'][3] = 4


def negative(tensors, metadata) -> None:
    tensors['labels'][3] = -1


def half(tensors, metadata) -> None:
    tensors['embeddings'] = tensors['embeddings'].half()


def whole_labels(tensors, metadata) -> None:
    tensors['labels'] = tensors['labels'].float()


def fewer(tensors, metadata) -> None:
    tensors['embeddings'] = tensors['embeddings'][:10].clone()


def flat(tensors, metadata) -> None:
    tensors['embeddings'] = tensors['embeddings'].flatten()


def empty(tensors, metadata) -> None:
    tensors['embeddings'] = tensors['embeddings'][:0].clone()
    tensors['labels'] = tensors['labels'][:0].clone()
    metadata['image_ids'] = '[]'


def other_weights(tensors, metadata) -> None:
    found = json.loads(metadata['fingerprint'])
    metadata['fingerprint'] = json.dumps(found | dict(weights='0' * 64))


def other_names(tensors, metadata) -> None:
    metadata['class_names'] = json.dumps(['a', 'b', 'c'])


def no_json(tensors, metadata) -> None:
    metadata['image_ids'] = '["a'


def later_version(tensors, metadata) -> None:
    metadata['version'] = '9'


def no_labels(tensors, metadata) -> None:
    del tensors['labels']


def other_ids(tensors, metadata) -> None:
    ids = json.loads(metadata['image_ids'])
    metadata['image_ids'] = json.dumps(ids[::-1])


def bad_whitening(tensors, metadata) -> None:
    tensors['whiten_matrix'][0, 0] = float('inf')


def moved(bench: Bench) -> None:
    """Images are of another class than when the gallery was made."""
    images = bench.images() / 'train'
    for number in range(3):
        shutil.move(
            images / 'blue' / f'{number}.png',
            images / 'cyan' / f'moved_{number}.png',
        )
    with_data(bench)


def removed(bench: Bench) -> None:
    (bench.images() / 'train' / 'blue' / '0.png').unlink()
    with_data(bench)


def replaced(bench: Bench) -> None:
    """Another picture has the name of one that the gallery was made of."""
    images = bench.images() / 'train'
    shutil.copy(images / 'cyan' / '0.png', images / 'blue' / '0.png')
    with_data(bench)


def with_data(bench: Bench) -> None:
    bench.test(
        *(bench.world.checkpoint, '--gallery', bench.world.gallery),
        f'data_root={bench.images()}',
    )


def of_bytes(content) -> object:
    """Tests with a file of these bytes of the good one."""

    def run(bench: Bench) -> None:
        good = bench.world.gallery.read_bytes()
        path = bench.write('gallery.safetensors', content(good))
        bench.test(bench.world.checkpoint, '--gallery', path)

    return run


def of_other_checkpoint(bench: Bench) -> None:
    def change(content: dict) -> None:
        content['state_dict']['backbone.model.conv_stem.weight'] += 1

    bench.test(bench.checkpoint(change), '--gallery', bench.world.gallery)


def inferred(change):
    return lambda b: b.infer(gallery=b.gallery(change))


CASES = [
    Case('NaN', tested(not_a_number), f'{NAME}.*1 of 16 embeddings hold NaN'),
    Case('length 2', tested(twice_as_long), f'{NAME}.* not of length 1'),
    Case('labels permuted', tested(permuted, True), f'{NAME}.*digest'),
    Case('ids permuted', tested(other_ids, True), f'{NAME}.*digest'),
    Case('label 4 of 4', tested(out_of_range), f'{NAME}.*has label 4, but'),
    Case('label -1', tested(negative), f'{NAME}.*has label -1, but'),
    Case('half precision', tested(half), f'{NAME}.*float16'),
    Case('labels of floats', tested(whole_labels), f'{NAME}.*float32'),
    Case('10 embeddings of 16', tested(fewer), f'{NAME}.*10 embeddings need'),
    Case('embeddings in a row', tested(flat), NAME),
    Case('no image', tested(empty), f'{NAME}.*empty'),
    Case('three names of four', tested(other_names), f'{NAME}.*3 class names'),
    Case('broken ids', tested(no_json), NAME),
    Case('later version', tested(later_version), f'{NAME}.*version 9'),
    Case('no labels', tested(no_labels), f'{NAME}.*missing: labels'),
    Case('whitening infinite', tested(bad_whitening), f'{NAME}.*whitening'),
    Case('other weights', tested(other_weights), f'{NAME}.*weights'),
    Case('other checkpoint', of_other_checkpoint, f'{NAME}.*weights'),
    Case('images moved', moved, f'{NAME} does not fit.*images'),
    Case('image removed', removed, f'{NAME} does not fit.*images'),
    Case('image replaced', replaced, f'{NAME} does not fit.*image_files'),
    Case('empty file', of_bytes(lambda good: b''), NAME),
    Case('text', of_bytes(lambda good: b'not found'), NAME),
    Case('half of it', of_bytes(lambda good: good[: len(good) // 2]), NAME),
    Case(
        'one other bit',
        of_bytes(lambda good: good[:-9] + bytes([good[-9] ^ 1]) + good[-8:]),
        f'{NAME}.*(digest|length|label)',
    ),
    Case(
        'folder',
        lambda b: b.test(b.world.checkpoint, '--gallery', b.folder),
        'galler',
    ),
    Case(
        'missing',
        lambda b: b.infer(gallery='none.safetensors'),
        r'no gallery file none\.safetensors',
    ),
    Case('other weights', inferred(other_weights), f'{NAME}.*weights'),
    Case('NaN', inferred(not_a_number), f'{NAME}.*hold NaN'),
    Case(
        'gallery without re-ranking',
        lambda b: b.test(
            *(b.world.checkpoint, '--no-rerank', '--gallery', 'g.safetensors'),
        ),
        '--gallery is of no use',
    ),
]
