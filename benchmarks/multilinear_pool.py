"""Peak memory and time of multi-linear pooling, forward and backward.

The dense form is plain PyTorch: three 1x1 convolutions, the products, their
means. It is measured against :func:`mmc2f.functional.multilinear_pool` with
the projections kept, and recomputed in the backward pass. In each round all
forms follow each other, each in a process of its own: the peak of a process
never falls. Quote the ratios: a machine's speed drifts.

Peak memory is that of the first step over what was there before it (maps,
weights, the gradient that comes in); time is that of the steps after it.
On a CPU that other programs share, the time that the processor spent on the
step (``CPU s``) is the steadier one.

Example:
    python benchmarks/multilinear_pool.py --rounds 3
"""

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmc2f.functional import multilinear_pool

FORMS = ('dense', 'kept', 'recomputed')
# At most these parts of the dense form, at the default sizes.
TARGETS = {'kept': (0.45, 1.0), 'recomputed': (0.15, 1.35)}
# What the table of performance asks, memory and time.
ISSUE_TARGETS = {'kept': (0.45, 0.8), 'recomputed': (0.12, 1.0)}
UNITS = ('MiB', 's', 'CPU s')


def dense_pool(maps: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Equation 6 as one would write it down."""
    a, b, c = (
        F.conv2d(x, w[:, :, None, None])
        for x, w in zip(maps, weights, strict=True)
    )
    return torch.cat(
        [
            (a * b).mean(dim=(2, 3)),
            (a * c).mean(dim=(2, 3)),
            (b * c).mean(dim=(2, 3)),
            (a * b * c).mean(dim=(2, 3)),
        ],
        dim=1,
    )


def make_step(args: argparse.Namespace) -> Callable[[], None]:
    """Inputs on the device, and one forward and backward pass over them."""
    torch.manual_seed(0)
    size = (args.batch, args.channels, args.size, args.size)
    shape = (args.dimension, args.channels)
    maps = [torch.rand(size, device=args.device) for _ in range(3)]
    weights = [torch.randn(shape, device=args.device) for _ in range(3)]
    for tensor in maps + weights:
        tensor.requires_grad_()
    gradient = torch.randn(args.batch, 4 * args.dimension, device=args.device)

    def step() -> None:
        for tensor in maps + weights:
            tensor.grad = None
        if args.only == 'dense':
            pooled = dense_pool(maps, weights)
        else:
            pooled = multilinear_pool(
                maps,
                weights,
                chunk=args.chunk,
                recompute=args.only == 'recomputed',
            )
        pooled.backward(gradient)
        if args.device != 'cpu':
            torch.cuda.synchronize()

    return step


def peak_bytes(device: str) -> int:
    """The most memory held so far, by the process or on the GPU."""
    if device == 'cpu':
        unit = 1 if sys.platform == 'darwin' else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return torch.cuda.max_memory_allocated()


def measure(args: argparse.Namespace) -> list[float]:
    """Peak memory in MiB of a step, its seconds, and those of the CPU."""
    torch.set_num_threads(args.threads)
    step = make_step(args)
    before = peak_bytes(args.device)
    step()
    peak = peak_bytes(args.device) - before
    clocks = zip(*(timed(step) for _ in range(args.steps)), strict=True)
    return [peak / 2**20, *map(statistics.median, clocks)]


def timed(step: Callable[[], None]) -> tuple[float, float]:
    """Seconds of a step on the wall's clock and on the processor's."""
    start, cpu_start = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - start, time.process_time() - cpu_start


def run_form(form: str, words: list[str]) -> list[float]:
    """Measure one form in a process of its own, default allocator."""
    environment = {k: v for k, v in os.environ.items() if 'MALLOC_' not in k}
    done = subprocess.run(
        [sys.executable, __file__, *words, '--only', form],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    shown = zip(measured, UNITS, strict=True)
    print(form, *(f'{x:.2f} {unit}' for x, unit in shown), flush=True)
    return measured


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The sizes of VGG-16 at 448 pixels are the default."""
    parser = argparse.ArgumentParser(description='Multi-linear pooling')
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--channels', type=int, default=512)
    parser.add_argument('--size', type=int, default=28)
    parser.add_argument('--dimension', type=int, default=8192)
    parser.add_argument('--chunk', type=int, help='default: by the maps')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--steps', type=int, default=1, help='timed steps')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu', choices=('cpu', 'cuda'))
    parser.add_argument(
        '--clock',
        choices=('wall', 'cpu'),
        default='wall',
        help='of the figures that --json writes',
    )
    parser.add_argument('--json', metavar='FILE', help='write the figures')
    parser.add_argument('--only', choices=FORMS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Print memory and time of each form, and their ratios to the dense."""
    words = sys.argv[1:] if argv is None else argv
    args = parse_args(words)
    if args.only:
        print(json.dumps(measure(args)))
        return
    rounds = [
        {form: run_form(form, words) for form in FORMS}
        for _ in range(args.rounds)
    ]
    print(
        f'median (min to max) of {args.rounds} rounds, '
        f'{args.threads} threads, {args.device}; '
        'targets are for the default sizes'
    )
    for form, (column, unit) in itertools.product(FORMS, enumerate(UNITS)):
        values = [x[form][column] for x in rounds]
        ratios = [x[form][column] / x['dense'][column] for x in rounds]
        line = (
            f'{form:>10}: {statistics.median(values):8.2f} {unit:5}, '
            f'of dense {statistics.median(ratios):.3f} '
            f'({min(ratios):.3f} to {max(ratios):.3f})'
        )
        if form in TARGETS:
            line += f', target {TARGETS[form][min(column, 1)]}'
        print(line)
    if args.json is not None:
        write_figures(rounds, args.json, 2 if args.clock == 'cpu' else 1)


def write_figures(
    rounds: list[dict[str, list[float]]], path: str, clock: int
) -> None:
    """The figures of row 7 for the page of performance."""
    # Only here: started as a file, this one is not in its package.
    from benchmarks.figures import Figure, report

    report(
        [
            Figure(
                row=7,
                work=f'multi-linear pooling, {form}: {name}',
                against='the dense form',
                rounds=[x[form][column] / x['dense'][column] for x in rounds],
                limit=limit,
            )
            for form, limits in ISSUE_TARGETS.items()
            for column, name, limit in zip(
                (0, clock), ('memory', 'time'), limits, strict=True
            )
        ],
        path,
    )


if __name__ == '__main__':
    main()
