"""Fills in what a config need not say about its data loaders."""

import torch
from mmengine.config import Config

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def complete_dataloaders(
    cfg: Config, pin_memory: bool = True, persistent_workers: bool = True
) -> None:
    """Set the customary options of loaders where the config has none.

    Args:
        cfg: Full config, changed in place. Loaders that it lacks are passed
            over.
        pin_memory: Pin memory where there is a GPU.
        persistent_workers: Keep workers over epochs. False overrules the
            config. Without workers, which torch would refuse to keep, there
            is nothing to keep.
    """
    for name in LOADERS:
        loader = cfg.get(name)
        if not loader:
            continue
        loader.setdefault(
            'pin_memory', pin_memory and torch.cuda.is_available()
        )
        loader.setdefault('persistent_workers', True)
        if not persistent_workers or not loader.get('num_workers'):
            loader.persistent_workers = False
        loader.setdefault('collate_fn', dict(type='default_collate'))
