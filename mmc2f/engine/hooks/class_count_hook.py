"""Refuses a class count that differs between data, tree and head."""

from mmengine.hooks import Hook
from torch import nn

from mmc2f.datasets.seeded_samples import SeededDataset
from mmc2f.model_state import unwrap_model
from mmc2f.registry import HOOKS
from mmc2f.structures import LabelTree


@HOOKS.register_module()
class ClassCountHook(Hook):
    """Compares the classes of each data set with every classifier.

    Without it a head with too few classes fails in the middle of an epoch
    with an index error, one with too many trains without a word, and so does
    one whose label tree has the classes in another order.

    Raises:
        ValueError: Before the first batch, with both numbers, or the class
            that is out of order.
    """

    def before_train(self, runner) -> None:
        dataset = runner.train_dataloader.dataset
        if isinstance(dataset, SeededDataset):
            # For its name in the message.
            dataset = dataset.dataset
        check_class_count(runner.model, dataset)

    def before_val(self, runner) -> None:
        check_class_count(runner.model, runner.val_dataloader.dataset)

    def before_test(self, runner) -> None:
        check_class_count(runner.model, runner.test_dataloader.dataset)


def check_class_count(model: nn.Module, dataset) -> None:
    """Raise ValueError if a part of ``model`` has other classes than data.

    Args:
        model: Parts with an attribute ``num_classes``, a label ``tree`` or a
            method ``check_levels`` are compared, but for backbones: their
            classifier is cut off, or never used.
        dataset: A data set with ``metainfo['classes']``; without, nothing
            is checked.
    """
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    if classes is None:
        return
    checked_whole: tuple[str, ...] = ()
    for name, part in unwrap_model(model).named_modules():
        if 'backbone' in name.split('.') or name.startswith(checked_whole):
            continue
        tree = getattr(part, 'tree', None)
        if isinstance(tree, LabelTree):
            tree.check_class_names(classes, type(dataset).__name__)
        if hasattr(part, 'check_levels'):
            part.check_levels(dataset.metainfo)
            # Its parts are of any of the levels.
            checked_whole += (f'{name}.',)
        count = getattr(part, 'num_classes', None)
        if isinstance(count, int) and count != len(classes):
            where = f'model.{name}' if name else 'the model'
            raise ValueError(
                f'{type(dataset).__name__} has {len(classes)} classes, but '
                f'{where} ({type(part).__name__}) is built for {count}: '
                'set num_classes at the top of the config to the number of '
                'classes of your data'
            )
