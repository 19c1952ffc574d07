"""Peak memory and time of a training step of whole configs, side by side.

Each config is built with its batch size and input size, random images and
labels, no pretrained weights and every loss active, and takes a few steps of
SGD, in a process of its own since the peak of a process never falls. Times
are given as parts of the first config's: a machine's speed drifts. On a CPU
that other programs share, the processor's time is the steadier one; it is
what is compared there.

Example:
    python benchmarks/config_step.py configs/baseline_grocery.py \
        configs/mlph_grocery.py --rounds 3
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from mmc2f.apis import load_config

GIB = 2**30


def build(path: str) -> tuple[torch.nn.Module, int, int]:
    """The model of a config, its batch size and its input size."""
    cfg = load_config(path)
    init_default_scope(cfg.default_scope)
    # Of what the tree is made does not matter here, only that there is one.
    if isinstance(cfg.model.get('tree'), dict):
        classes = range(cfg.num_classes)
        cfg.model.tree = dict(
            levels=['class', 'cluster'],
            classes=[[str(c) for c in classes], ['even', 'odd']],
            parents=[[c % 2 for c in classes]],
        )
    batch_size = cfg.train_dataloader.batch_size
    return MODELS.build(cfg.model), batch_size, cfg.input_size


def measure(path: str, steps: int) -> tuple[float, float]:
    """Seconds a step and peak memory in GiB."""
    torch.manual_seed(0)
    model, batch_size, size = build(path)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model.to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)
    images = torch.randn(batch_size, 3, size, size, device=device)
    samples = [DataSample().set_gt_label(i % 2) for i in range(batch_size)]

    def step() -> None:
        optimizer.zero_grad()
        losses = model.loss(images, [s.to(device) for s in samples])
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        optimizer.step()

    step()
    start = clock(device)
    for _ in range(steps):
        step()
    seconds = (clock(device) - start) / steps
    if device == 'cuda':
        return seconds, torch.cuda.max_memory_allocated() / GIB
    # In KiB on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, peak / 2**20


def clock(device: str) -> float:
    """A clock that waits for the GPU, or leaves other programs out."""
    if device == 'cpu':
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def run_case(path: str, steps: int) -> tuple[float, float]:
    """Measure one config in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, path, '--steps', str(steps), '--only'],
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print memory, and time as a part of the first config's."""
    parser = argparse.ArgumentParser(description='Training step of configs')
    parser.add_argument('configs', nargs='+')
    parser.add_argument('--rounds', type=int, default=1)
    parser.add_argument('--steps', type=int, default=2)
    parser.add_argument('--only', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.configs[0], args.steps)))
        return
    ratios = {path: [] for path in args.configs}
    peaks = dict.fromkeys(args.configs, 0.0)
    for _ in range(args.rounds):
        first = None
        for path in args.configs:
            seconds, peak = run_case(path, args.steps)
            first = first or seconds
            ratios[path].append(seconds / first)
            peaks[path] = max(peaks[path], peak)
    print('config: time of a step, in parts of the first; peak memory')
    for path, values in ratios.items():
        print(
            f'{path}: {statistics.median(values):.2f} '
            f'({min(values):.2f} to {max(values):.2f}), '
            f'{peaks[path]:.1f} GiB'
        )


if __name__ == '__main__':
    main()
