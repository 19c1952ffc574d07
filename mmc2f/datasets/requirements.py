"""What many parts require of data: a folder that exists, named classes."""

from mmengine.dataset import BaseDataset
from mmengine.fileio import get_file_backend

__all__ = ['DATA_HINT', 'class_names', 'require_folder']

#: How a user points a config at the data.
DATA_HINT = (
    'set the environment variable MMC2F_DATA to the folder that holds the '
    'data sets, or data_root in the config'
)


def require_folder(path: str, what: str) -> None:
    """Check that a folder exists.

    Args:
        path: The folder.
        what: What it holds, for the message.

    Raises:
        FileNotFoundError: It does not; says how to fix it.
    """
    if not get_file_backend(path).isdir(path):
        raise FileNotFoundError(
            f'the {what} folder {path!r} does not exist; {DATA_HINT}'
        )


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
