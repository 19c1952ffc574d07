"""What every test shares: fixed seeds, no leaking scope, the real data."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmc2f.optional import COMPILED_OPS, MMDET, require
from mmc2f.weights.trust import ONLY_WEIGHTS, trust_files

# The same examples each time, few and of any duration: CI is slow at times.
hypothesis.settings.register_profile(
    'mmc2f', derandomize=True, max_examples=40, deadline=None, database=None
)
hypothesis.settings.load_profile('mmc2f')


def pytest_configure(config: pytest.Config) -> None:
    """Leaves the seeds to this file: pytest-randomly changes the order only.

    Else each run would draw other numbers, and a test that fails on some of
    them would be hard to repeat.
    """
    config.option.randomly_reset_seed = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what is marked with ``mmdet`` where mmdet cannot be used."""
    try:
        require('the test', MMDET, COMPILED_OPS)
    except ImportError as error:
        for item in items:
            if item.get_closest_marker('mmdet'):
                item.add_marker(pytest.mark.skip(reason=str(error)))


def _seed() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (the host draws from the global state)
    torch.manual_seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef) -> None:
    """Seeds what several tests share, whichever of them comes first."""
    if fixturedef.scope != 'function':
        _seed()


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    _seed()


@pytest.fixture(autouse=True)
def _own_default_scope() -> Iterator[None]:
    """Takes back every default scope that a test has set.

    A runner or ``register_all_modules`` leaves its scope in a process-wide
    dict, and the next test would then resolve unprefixed types in it.
    """
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture(scope='module', autouse=True)
def _own_default_scope_of_module() -> Iterator[None]:
    """The same for runners in fixtures of a module."""
    before = DefaultScope._instance_dict.copy()
    yield
    DefaultScope._instance_dict.clear()
    DefaultScope._instance_dict.update(before)


@pytest.fixture(autouse=True)
def _own_trust() -> Iterator[None]:
    """Takes back what the tools have told the process to read or refuse."""
    yield
    trust_files(False)
    os.environ.pop(ONLY_WEIGHTS, None)


@pytest.fixture(scope='session')
def mmc2f_data() -> Path:
    """The folder of real data sets, or a skip that says how to name it."""
    folder = os.environ.get('MMC2F_DATA')
    if not folder:
        pytest.skip('set MMC2F_DATA to the folder of the real data sets')
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f'set MMC2F_DATA to a folder: {path} is none')
    return path.resolve()
