"""Random states that follow from numbers, not from what was drawn before.

A training that is interrupted and resumed must draw what it would have drawn
without the interruption. Saved states would have to include those of every
loader worker, each some batches ahead of the training, and could only be
resumed with as many workers. So nothing is saved: each sample and each step
begins with states of its own, hashed from the seed of the run and from where
in the training it stands.
"""

import random

import numpy as np
import torch

__all__ = ['seed_sample', 'seed_step']

# So that a sample and a step of equal numbers have nothing in common.
_SAMPLE, _STEP = 0, 1


def seed_sample(seed: int, epoch: int, place: int) -> None:
    """Seed the generators that transforms draw from, for one sample.

    Those are Python's, NumPy's and torch's global ones of this process, the
    latter on the CPU only.

    Args:
        seed: Of the run, not negative.
        epoch: From 0.
        place: Of the sample in the epoch, counted over all ranks.
    """
    words = _hash(seed, _SAMPLE, epoch, place)
    _seed_python_and_numpy(words)
    torch.default_generator.manual_seed(words[2])


def seed_step(seed: int, iteration: int, rank: int = 0) -> None:
    """Seed Python, NumPy, and torch on all devices, for one training step.

    Args:
        seed: Of the run, not negative.
        iteration: From 0.
        rank: Ranks draw independently, as they see other images.
    """
    words = _hash(seed, _STEP, iteration, rank)
    _seed_python_and_numpy(words)
    torch.manual_seed(words[2])


def _hash(*numbers: int) -> list[int]:
    """Three words of 32 bits."""
    return np.random.SeedSequence(numbers).generate_state(3).tolist()


def _seed_python_and_numpy(words: list[int]) -> None:
    random.seed(words[0])
    np.random.seed(words[1])  # noqa: NPY002 (the host draws from it)
