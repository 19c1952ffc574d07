"""Good inputs, so that a refusal is known to be that of the bad ones."""

from corpus.bench import Bench
from corpus.case import Case

METRICS = r'Epoch\(test\).*coarse_top1'


def control(name, run, says, **kwargs) -> Case:
    return Case(name, run, says, refuses=False, is_control=True, **kwargs)


def draw(bench: Bench) -> None:
    bench.tool(
        'draw_predictions',
        *(bench.world.config, bench.world.predictions),
        *('--out', bench.folder),
    )


CASES = [
    control('training', lambda b: b.train(), r'Saving checkpoint at 4 epoch'),
    control('test', lambda b: b.test(b.world.checkpoint), METRICS),
    control(
        'gallery',
        lambda b: b.test(b.world.checkpoint, '--gallery', b.world.gallery),
        METRICS,
    ),
    control(
        'inferencer',
        lambda b: b.infer(gallery=b.world.gallery),
        r"'neighbours': \[\{'image': 'train",
    ),
    control('predictions', draw, r'first_0\.png'),
    control(
        'hierarchy',
        lambda b: b.tool(
            'build_hierarchy', b.world.config, b.world.checkpoint
        ),
        'hierarchy: tree.json',
    ),
    control(
        'training of MLPH',
        lambda b: b.train('max_damaged_images=0', config=b.world.mlph),
        r'Saving checkpoint at 2 epoch',
    ),
    control(
        'crafted checkpoint that is trusted',
        lambda b: b.test(b.crafted(), '--trust'),
        METRICS,
        executes=True,
    ),
]
