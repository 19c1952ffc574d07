"""Builds configs, as a program of its own: ``HOW FOLDER CONFIG...``.

``HOW`` is ``get_model``, through mmpretrain, or ``runner``, through
MMEngine's runner with pictures in ``FOLDER`` for the data. Prints a line of
JSON for each config: its path and what went wrong, if anything.
"""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from mmengine.runner import Runner
from mmpretrain import get_model


def build_model(path: str, folder: Path) -> None:
    """As a user of mmpretrain who has never heard of this package."""
    model = get_model(path)
    assert model.data_preprocessor.to_rgb


def build_experiment(path: str, folder: Path) -> None:
    """All that a training makes before its first iteration."""
    from mmc2f.apis import load_config

    cfg = load_config(path)
    data = image_folder(folder, cfg.num_classes)
    for name in ('train', 'val', 'test'):
        dataset = cfg[f'{name}_dataloader'].dataset
        kept = {}
        if 'dataset' in dataset:
            dataset = dataset.dataset
        else:
            kept['pipeline'] = dataset.pipeline
        dataset.clear()
        dataset.update(type='mmc2f.ImageFolder', data_root=data, **kept)
    cfg.work_dir = str(folder / 'work')
    cfg.experiment_name = Path(path).stem
    cfg.log_level = 'WARNING'
    runner = Runner.from_cfg(cfg)
    assert runner.train_loop.max_epochs > 0
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(
        runner.param_schedulers
    )
    assert len(runner.val_loop.dataloader) and len(runner.test_loop.dataloader)
    for when in ('before_train', 'before_val', 'before_test'):
        runner.call_hook(when)


def image_folder(folder: Path, num_classes: int) -> str:
    """Two images, which are not read, in each of so many classes."""
    data = folder / str(num_classes)
    for index in range(2 * num_classes):
        path = data / 'train' / f'{index // 2:03d}' / f'{index}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(data)


BUILDERS: dict[str, Callable[[str, Path], None]] = {
    'get_model': build_model,
    'runner': build_experiment,
}


def main(how: str, folder: str, *paths: str) -> None:
    """Build each config and tell how it went."""
    assert not any(name.startswith('mmc2f') for name in sys.modules)
    for path in paths:
        error = None
        try:
            BUILDERS[how](path, Path(folder))
        except Exception:
            error = traceback.format_exc()
        print(json.dumps({'config': path, 'error': error}), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
