"""Files with a program in them, through every door."""

import pickle

import torch
from crafted_files import Payload

from corpus.bench import Bench
from corpus.case import Case
from corpus.world import CLUSTERING

REFUSED = r'epoch_4\.pth is refused, since reading it could run code'


def last_checkpoint(bench: Bench, *options: str) -> None:
    crafted = bench.crafted()
    bench.write('work/last_checkpoint', str(crafted))
    bench.train('--resume', *options)


def init_cfg(bench: Bench) -> None:
    weights = dict(
        type='Pretrained', checkpoint=str(bench.crafted()), prefix='backbone'
    )
    bench.train(config=with_backbone(bench, init_cfg=weights))


def timm(bench: Bench) -> None:
    path = str(bench.crafted())
    bench.train(config=with_backbone(bench, checkpoint_path=path))


def with_backbone(bench: Bench, **values: object) -> object:
    """The good config with other values for its backbone."""
    config = bench.folder / 'child.py'
    return write_child_of(bench, config, model=dict(backbone=values))


def write_child_of(bench: Bench, config, **values: object):
    lines = [f'_base_ = {str(bench.world.config)!r}']
    lines += [f'{name} = {value!r}' for name, value in values.items()]
    config.write_text('\n'.join(lines))
    return config


def clustered(bench: Bench) -> None:
    """The tree is looked for in the checkpoint before the model is built."""
    tree = dict(CLUSTERING, _delete_=True)
    config = write_child_of(bench, bench.folder / 'child.py', tree=tree)
    bench.train('--resume', bench.crafted(), config=config)


def config_in_checkpoint(bench: Bench) -> None:
    program = f'open({str(bench.marker)!r}, "w").close()\n'
    path = bench.checkpoint(
        lambda content: content['meta'].update(config=program, epoch=3, iter=6)
    )
    bench.train('--resume', path)


def yaml_config(bench: Bench) -> None:
    program = f'!!python/object/apply:os.mknod [{str(bench.marker)!r}]'
    path = bench.write('config.yaml', f'model: {program}\n')
    bench.tool('test', path, bench.world.checkpoint)


def pickled_annotations(bench: Bench) -> None:
    path = bench.write('train.pkl', pickle.dumps(Payload(bench.marker)))
    data = dict(
        _delete_=True,
        type='mmpretrain.BaseDataset',
        ann_file=str(path),
        pipeline=[],
    )
    config = write_child_of(
        bench,
        bench.folder / 'child.py',
        train_dataloader=dict(dataset=data),
    )
    bench.train(config=config)


def pickled_gallery(bench: Bench) -> None:
    content = pickle.dumps(Payload(bench.marker))
    path = bench.write('gallery.safetensors', content)
    bench.test(bench.world.checkpoint, '--gallery', path)


def pickled_parameters(bench: Bench) -> None:
    path = bench.write('own.rerank.json', pickle.dumps(Payload(bench.marker)))
    bench.test(bench.world.checkpoint, '--rerank', f'rerank={path}')


def pickled_tree(bench: Bench) -> None:
    path = bench.write('tree.json', pickle.dumps(Payload(bench.marker)))
    bench.train(f'tree={path}')


def as_safetensors(bench: Bench) -> None:
    bench.test(bench.crafted('epoch_4.safetensors'))


def whole_model(bench: Bench) -> None:
    """What ``torch.save(model)`` writes: classes by name."""
    path = bench.folder / 'epoch_4.pth'
    torch.save(torch.nn.Linear(2, 2), path)
    bench.test(path)


def annotations_named_npy(bench: Bench) -> None:
    """An array of objects is a pickle too."""
    path = bench.write('epoch_4.npy', b'\x93NUMPY' + b'\0' * 80)
    bench.test(path)


def postscript(bench: Bench) -> None:
    """Pillow would start Ghostscript, here a program of ours."""
    script = bench.write('gs', f'#!/bin/sh\ntouch {bench.marker}\n')
    script.chmod(0o755)
    import os

    os.environ['PATH'] = f'{bench.folder}:{os.environ["PATH"]}'
    eps = (
        '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n'
        '%%EndComments\n0 0 64 64 rectfill\nshowpage\n%%EOF\n'
    )
    bench.infer(str(bench.write('image.jpg', eps)))


def resume_code(bench: Bench) -> None:
    bench.train('--resume', bench.crafted())


CASES = [
    Case('crafted checkpoint', lambda b: b.test(b.crafted()), REFUSED),
    Case(
        'crafted checkpoint of an old format',
        lambda b: b.test(b.crafted(legacy=True)),
        REFUSED,
    ),
    Case('crafted checkpoint to resume', resume_code, REFUSED),
    Case('crafted checkpoint to resume, with clustering', clustered, REFUSED),
    Case('crafted checkpoint in last_checkpoint', last_checkpoint, REFUSED),
    Case(
        'crafted load_from',
        lambda b: b.train(f'load_from={b.crafted()}'),
        REFUSED,
    ),
    Case('crafted init_cfg', init_cfg, REFUSED),
    Case('crafted weights that timm reads', timm, REFUSED),
    Case(
        'crafted checkpoint',
        lambda b: b.tool('build_hierarchy', b.world.config, b.crafted()),
        REFUSED,
    ),
    Case(
        'crafted checkpoint',
        lambda b: b.infer(pretrained=b.crafted()),
        REFUSED,
    ),
    Case(
        'crafted checkpoint',
        lambda b: b.tool(
            *('tune_rerank', b.world.config, b.crafted()),
            *('--cfg-options', 'holdout.num_folds=2'),
        ),
        REFUSED,
    ),
    Case(
        'crafted checkpoint',
        lambda b: b.tool('calibrate_levels', b.world.config, b.crafted()),
        REFUSED,
    ),
    Case(
        'crafted checkpoint',
        lambda b: b.tool(
            *('search_resolution', b.world.config, b.crafted()),
        ),
        REFUSED,
    ),
    Case(
        'crafted checkpoint',
        lambda b: b.tool(
            'model_converters/export_backbone', b.crafted(), 'out.pth'
        ),
        REFUSED,
    ),
    Case('crafted checkpoint named .safetensors', as_safetensors, 'safetens'),
    Case('whole model as checkpoint', whole_model, REFUSED),
    Case('array as checkpoint', annotations_named_npy, 'npy is no checkpoint'),
    Case(
        'program in meta.config',
        config_in_checkpoint,
        'resumed epoch: 3',
        refuses=False,
    ),
    Case('YAML config with an object', yaml_config, r'config\.yaml.*run code'),
    Case('pickled annotations', pickled_annotations, 'pickle'),
    Case('pickled gallery', pickled_gallery, r'gallery\.safetensors is no'),
    Case('pickled parameters', pickled_parameters, r'own\.rerank\.json'),
    Case('pickled tree', pickled_tree, r'tree\.json'),
    Case('EPS named .jpg', postscript, r'image\.jpg cannot be', refuses=False),
]
