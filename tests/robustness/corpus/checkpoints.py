"""Checkpoints that are damaged, or of another model."""

import math
import shutil

import torch

from corpus.bench import Bench
from corpus.case import Case


def of(content: bytes):
    """Tests a file with this content."""
    return lambda b: b.test(b.write('epoch_4.pth', content))


def truncated(bench: Bench):
    content = bench.world.checkpoint.read_bytes()
    return bench.write('epoch_4.pth', content[: len(content) // 2])


def flipped(bench: Bench):
    """One bit of the weights is another."""
    content = bytearray(bench.world.checkpoint.read_bytes())
    content[len(content) // 2] ^= 16
    bench.test(bench.write('epoch_4.pth', bytes(content)))


def without_weights(content: dict) -> None:
    content['state_dict'] = {}


def of_another_model(content: dict) -> None:
    content['state_dict'] = torch.nn.Linear(3, 3).state_dict()


def of_seven_classes(content: dict) -> None:
    weights = content['state_dict']
    for name in [n for n in weights if 'head' in n and 'weight' in n]:
        value = weights[name]
        weights[name] = value[:1].expand(7, *value.shape[1:]).clone()


def backbone_alone(content: dict) -> None:
    weights = content['state_dict']
    for name in [n for n in weights if not n.startswith('backbone.')]:
        del weights[name]


def not_a_number(content: dict) -> None:
    for value in content['state_dict'].values():
        if value.is_floating_point():
            value[...] = math.nan


def without_state(content: dict) -> None:
    for name in [n for n in content if n != 'state_dict']:
        del content[name]


def renamed(content: dict) -> None:
    content['state_dict'] = [*content['state_dict'].values()]


def spoiled(change, *args: object):
    """Tests the good checkpoint after a change."""
    return lambda b: b.test(b.checkpoint(change), *args)


def resume_damaged(bench: Bench) -> None:
    """The last of two is not whole."""
    work = bench.folder / 'work'
    shutil.copytree(bench.world.folder / 'work', work)
    (work / 'epoch_4.pth').write_bytes(b'PK')
    bench.write('work/last_checkpoint', str(work / 'epoch_4.pth'))
    bench.train('--resume')


def resume_empty_note(bench: Bench) -> None:
    shutil.copytree(bench.world.folder / 'work', bench.folder / 'work')
    bench.write('work/last_checkpoint', '')
    bench.train('--resume')


def resume_nothing_whole(bench: Bench) -> None:
    bench.write('work/epoch_1.pth', b'')
    bench.write('work/last_checkpoint', '')
    bench.train('--resume')


def resume_of_seven(bench: Bench) -> None:
    bench.train('--resume', bench.checkpoint(of_seven_classes))


CASES = [
    Case('empty', of(b''), r'epoch_4\.pth is empty'),
    Case('text', of(b'not found'), r'epoch_4\.pth is no checkpoint'),
    Case('half of it', lambda b: b.test(truncated(b)), r'epoch_4\.pth is dam'),
    Case('one other bit', flipped, r'epoch_4\.pth is damaged'),
    Case('missing', lambda b: b.test('none.pth'), r'none\.pth does not exist'),
    Case('folder', lambda b: b.test(b.folder), r'\d{3} does not exist'),
    Case('no weights', spoiled(without_weights), r'epoch_4\.pth: \d of \d+ '),
    Case(
        'another model', spoiled(of_another_model), r'epoch_4\.pth: \d of \d+ '
    ),
    Case('seven classes', spoiled(of_seven_classes), r'epoch_4.*other shape'),
    Case('backbone alone', spoiled(backbone_alone), r'epoch_4.*missing are'),
    Case('list of weights', spoiled(renamed), r'epoch_4.* no state dict'),
    Case('weights that are NaN', spoiled(not_a_number), r'NaN in .*epoch_4'),
    Case(
        'weights that are NaN, for a gallery',
        spoiled(not_a_number, '--rerank'),
        r'NaN in .*epoch_4',
    ),
    Case(
        'empty, to resume',
        lambda b: b.train('--resume', b.write('epoch_4.pth', b'')),
        r'epoch_4\.pth is empty',
    ),
    Case(
        'half of it, to resume',
        lambda b: b.train('--resume', truncated(b)),
        r'epoch_4\.pth is damaged',
    ),
    Case(
        'missing, to resume',
        lambda b: b.train('--resume', 'none.pth'),
        r'none\.pth does not exist',
    ),
    Case('seven classes, to resume', resume_of_seven, r'epoch_4.*other shape'),
    Case(
        'no state, to resume',
        lambda b: b.train('--resume', b.checkpoint(without_state)),
        r'epoch_4\.pth holds weights, but not the state',
    ),
    Case(
        'the latest damaged, to resume',
        resume_damaged,
        r'epoch_4\.pth is damaged .*goes on from .*epoch_3\.pth',
        refuses=False,
    ),
    Case(
        'empty last_checkpoint, to resume',
        resume_empty_note,
        r'last_checkpoint is empty: the training goes on from .*epoch_4',
        refuses=False,
    ),
    Case(
        'all damaged, to resume',
        resume_nothing_whole,
        r'last_checkpoint is empty, .*epoch_1\.pth is empty; remove',
    ),
    Case(
        'nothing to resume',
        lambda b: b.train('--resume'),
        'no checkpoint to resume from: the training starts afresh',
        refuses=False,
    ),
    Case(
        'another model, to start from',
        lambda b: b.train(f'load_from={b.checkpoint(of_another_model)}'),
        r'epoch_4\.pth: \d of \d+ ',
    ),
    Case(
        'seven classes, to start from',
        lambda b: b.train(f'load_from={b.checkpoint(of_seven_classes)}'),
        r'epoch_4\.pth: \d+ of \d+ tensors .*of another shape are',
        refuses=False,
    ),
    Case(
        'empty',
        lambda b: b.infer(pretrained=b.write('epoch_4.pth', b'')),
        r'epoch_4\.pth is empty',
    ),
    Case(
        'seven classes',
        lambda b: b.infer(pretrained=b.checkpoint(of_seven_classes)),
        r'epoch_4.*of another shape',
    ),
    Case(
        'half of it',
        lambda b: b.tool('build_hierarchy', b.world.config, truncated(b)),
        r'epoch_4\.pth is damaged',
    ),
    Case(
        'half of it',
        lambda b: b.tool(
            'model_converters/export_backbone', truncated(b), 'out.pth'
        ),
        r'epoch_4\.pth is damaged',
    ),
]
