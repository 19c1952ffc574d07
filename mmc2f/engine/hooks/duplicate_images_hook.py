"""Looks for images in two classes, or in training and test."""

import copy

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS as HOST_DATASETS

from mmc2f.datasets.duplicates import find_duplicates, image_files
from mmc2f.registry import HOOKS

__all__ = ['DuplicateImagesHook']


@HOOKS.register_module()
class DuplicateImagesHook(Hook):
    """Warns before a training of files that are where they should not be.

    Files of the training, validation and test set are compared by content,
    which reads few of them as a whole, see :func:`mmc2f.datasets.\
equal_files.equal_files`. Copies that were saved anew, say in another size,
    are not found. ``tools/train.py`` adds this hook unless told not to.

    Args:
        strict: Refuse such data.

    Raises:
        ValueError: ``strict``, and there are such files.
    """

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict

    def before_train(self, runner: Runner) -> None:
        """Compare, on the main process; tell, on all of them."""
        found = [self._find(runner) if is_main_process() else None]
        broadcast_object_list(found)
        (messages,) = found
        if not messages:
            return
        if self.strict:
            raise ValueError(
                f'{"; ".join(messages)}. Mend the data, or train without '
                '--strict-data.'
            )
        for message in messages:
            runner.logger.warning(message)

    def _find(self, runner: Runner) -> list[str]:
        dataset = runner.train_dataloader.dataset
        splits = {'train': list(image_files(dataset))}
        if runner.val_loop is not None:
            measured = runner.val_loop.dataloader.dataset
            splits['val'] = list(image_files(measured))
        splits |= self._test_split(runner)
        names = getattr(dataset, 'metainfo', {}).get('classes')
        return find_duplicates(splits).messages(names)

    def _test_split(self, runner: Runner) -> dict:
        """Images of the test set, where it is there and is another one."""
        val, test = (
            (runner.cfg.get(f'{split}_dataloader') or {}).get('dataset')
            for split in ('val', 'test')
        )
        if test is None or (test == val and runner.val_loop is not None):
            return {}
        try:
            dataset = HOST_DATASETS.build(copy.deepcopy(test))
        except FileNotFoundError as error:
            runner.logger.info(f'Test images are not compared: {error}')
            return {}
        return {'test': list(image_files(dataset))}
