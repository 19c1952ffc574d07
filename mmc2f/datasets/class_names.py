"""The class names of a data set, which some parts cannot do without."""

from mmengine.dataset import BaseDataset

__all__ = ['class_names']


def class_names(dataset: BaseDataset) -> tuple[str, ...]:
    """Names in class order.

    Raises:
        ValueError: The data set has none; says how to give it some.
    """
    names = getattr(dataset, 'metainfo', {}).get('classes')
    if not names:
        raise ValueError(
            f'{type(dataset).__name__} names no classes; give it '
            "metainfo=dict(classes=[...]), or an image folder's layout."
        )
    return tuple(names)
