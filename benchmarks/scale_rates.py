"""Rates of batch prediction and search, and what they come to at scale.

Measures, on one core: preparing and classifying an image, searching a gallery
exactly and by a faiss index of compressed rows, and writing answers. Times are
those of the processor and not of the clock, so that other programs count
little. Weights are random, which does not change the rates. Then reckons how
much --images and a gallery of --rows come to, all steps linear in their
number. docs/scale.md has the outcome.

Example:
    OMP_NUM_THREADS=1 python benchmarks/scale_rates.py configs/ccfr_grocery.py
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import normalize

from mmc2f import C2FInferencer
from mmc2f.apis.batch_predict import Job, answer_table
from mmc2f.apis.image_inputs import ImageInput
from mmc2f.retrieval import ExactIndex, FaissIndex

HOUR = 3600
# A photograph of the web, as far as decoding goes.
IMAGE_SIZE = 500, 375
ROWS, QUERIES, LISTS, CODE_BYTES = 8192, 64, 32, 64
# Of the large gallery: lists that are visited of those that there are.
PROBED, LARGE_LISTS = 64, 65536


def cpu_seconds(function: Callable[[], object], repeats: int = 1) -> float:
    """Processor seconds of a call, after one that warms up."""
    function()
    start = time.process_time()
    for _ in range(repeats):
        function()
    return (time.process_time() - start) / repeats


def jpegs(count: int) -> list[bytes]:
    """Pictures with some detail in them."""
    rng = np.random.default_rng(0)
    width, height = IMAGE_SIZE
    files = []
    for _ in range(count):
        coarse = rng.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
        file = io.BytesIO()
        image = Image.fromarray(coarse).resize(IMAGE_SIZE)
        image.save(file, 'jpeg', quality=90)
        files.append(file.getvalue())
    return files


def measure_images(
    config: str, count: int
) -> tuple[dict[str, float], list[dict], int]:
    """Seconds an image to prepare and to classify; answers; dimensions."""
    predict = C2FInferencer(config, pretrained=False, device='cpu')
    inputs = [ImageInput(f'{i}.jpg', f) for i, f in enumerate(jpegs(count))]
    prepare = cpu_seconds(lambda: list(predict.preprocess(inputs)))
    total = cpu_seconds(lambda: list(predict.stream(inputs, batch_size=8)))
    answers = predict(inputs, batch_size=8)
    (sample,) = predict(inputs[0], return_datasamples=True)
    rates = {
        'prepare an image': prepare / count,
        'classify it': max(total - prepare, 0) / count,
    }
    return rates, answers, len(sample.embedding)


def measure_search(dims: int) -> dict[str, float]:
    """Seconds a query for each row that is compared."""
    generator = torch.Generator().manual_seed(0)
    rows = normalize(torch.randn(ROWS, dims, generator=generator))
    queries = rows[:QUERIES]
    exact = ExactIndex()
    exact.build(rows)
    whole = cpu_seconds(lambda: exact.search(queries, 50), 3)
    # All lists are visited: it is the rate of a code that is looked for.
    codes = FaissIndex(f'IVF{LISTS},PQ{CODE_BYTES}', dict(nprobe=LISTS))
    codes.build(rows)
    coded = cpu_seconds(lambda: codes.search(queries, 50), 3)
    return {
        'compare a query with a row': whole / QUERIES / ROWS,
        f'compare it with a code of {CODE_BYTES} bytes': (
            coded / QUERIES / ROWS
        ),
    }


def measure_writing(answers: list[dict]) -> tuple[float, float]:
    """Seconds and bytes of a row of the answers."""
    rows = [dict(answer, image=f'{i}.jpg') for i, answer in enumerate(answers)]
    with TemporaryDirectory() as folder:
        names = [row['image'] for row in rows]
        job = Job.open(folder, names, {}, part_size=len(rows))
        seconds = cpu_seconds(
            lambda: job.write(0, answer_table(rows, 0), 0), 3
        )
        size = job.part_file(0).stat().st_size
    return seconds / len(rows), size / len(rows)


def reckon(
    rates: dict[str, float], dims: int, images: float, rows: float
) -> None:
    """Print what the rates come to."""
    prepare, classify, exact, code, write = rates.values()
    print(f'\n{images:.0e} images, gallery of {rows:.0e} rows, reckoned:')
    # A query is compared with all lists, and with the codes of some.
    coded = LARGE_LISTS * exact + rows * PROBED / LARGE_LISTS * code
    lines = {
        'prepare and classify': (prepare + classify) * images,
        'write answers': write * images,
        'search exactly': exact * rows * images,
        f'search {PROBED} of {LARGE_LISTS} lists of codes': coded * images,
    }
    for name, seconds in lines.items():
        print(f'{name:40} {seconds / HOUR:12,.0f} core hours')
    for name, size in (
        ('gallery, float32', 4 * dims * rows),
        ('gallery, codes and row numbers', (CODE_BYTES + 8) * rows),
        ('labels', 8 * rows),
    ):
        print(f'{name:40} {size / 2**30:12,.0f} GiB')


def main() -> None:
    """Measure, print the rates and the reckoning."""
    parser = argparse.ArgumentParser(description='Rates at scale')
    parser.add_argument('config', nargs='?', default='ccfr_grocery')
    parser.add_argument('--count', type=int, default=16, help='pictures')
    parser.add_argument('--images', type=float, default=1e9)
    parser.add_argument('--rows', type=float, default=1e8)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rates, answers, dims = measure_images(args.config, args.count)
    rates |= measure_search(dims)
    rates['write an answer'], size = measure_writing(answers)
    print(f'{Path(args.config).stem}, {dims} dimensions, one core:')
    for name, seconds in rates.items():
        print(f'{name:40} {1e6 * seconds:12,.4f} us')
    print(f'{"an answer in the file":40} {size:12,.0f} bytes')
    reckon(rates, dims, args.images, args.rows)
    total = size * args.images / 2**30
    print(f'{"answers":40} {total:12,.0f} GiB')


if __name__ == '__main__':
    main()
