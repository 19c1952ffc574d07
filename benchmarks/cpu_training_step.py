"""Time of a training step on the CPU, by memory format and allocator.

Each round measures all four combinations one after the other, each in a
process of its own, since glibc reads its settings at the start. Quote the
ratios: a machine's speed drifts, and other programs share it.

Example:
    python benchmarks/cpu_training_step.py --rounds 3
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

KEEP_MEMORY = dict(
    MALLOC_MMAP_MAX_='0',
    MALLOC_TRIM_THRESHOLD_=str(2**40),
    MALLOC_TOP_PAD_=str(2**26),
)
CASES = {
    'default': (False, False),
    'channels last': (True, False),
    'memory kept': (False, True),
    'both': (True, True),
}


def measure(
    channels_last: bool,
    steps: int,
    now: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds a step of EfficientNet-Lite0, batch 32, 224 x 224."""
    import torch

    from mmc2f.models import FeatureTap

    torch.manual_seed(0)
    model = FeatureTap(
        'tf_efficientnet_lite0', ('bn2',), channels_last=channels_last
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    images = torch.randn(32, 3, 224, 224)

    def step() -> None:
        optimizer.zero_grad()
        model(images)[0].square().mean().backward()
        optimizer.step()

    step()
    start = now()
    for _ in range(steps):
        step()
    return (now() - start) / steps


def run_case(name: str, steps: int) -> float:
    """Measure one combination in a process of its own."""
    channels_last, keeps_memory = CASES[name]
    environment = {k: v for k, v in os.environ.items() if 'MALLOC_' not in k}
    if keeps_memory:
        environment.update(KEEP_MEMORY)
    command = [sys.executable, __file__, '--steps', str(steps), '--only']
    done = subprocess.run(
        [*command, str(int(channels_last))],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    """Print the ratio of each combination to the default."""
    parser = argparse.ArgumentParser(description='CPU training step')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--steps', type=int, default=3)
    parser.add_argument('--only', type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only is not None:
        print(measure(bool(args.only), args.steps))
        return
    ratios = {name: [] for name in CASES}
    for _ in range(args.rounds):
        times = {name: run_case(name, args.steps) for name in CASES}
        for name, seconds in times.items():
            ratios[name].append(seconds / times['default'])
    print('time of a step, in parts of the default: median (min to max)')
    for name, values in ratios.items():
        print(
            f'{name:>14}: {statistics.median(values):.2f} '
            f'({min(values):.2f} to {max(values):.2f})'
        )


if __name__ == '__main__':
    main()
