"""The place of a data set that the facts at the top of a config fill in."""

from mmc2f.registry import DATASETS

__all__ = ['OpenDataset']


@DATASETS.register_module()
class OpenDataset:
    """Stands for ``train_data`` or ``test_data`` of a config.

    :func:`mmc2f.apis.load_config`, with which our tools read a config, puts
    the data set in its place. A config read in another way, as by
    ``mmpretrain.get_model``, has a model that can be built and this type,
    but no data.

    Raises:
        ValueError: Always.
    """

    def __init__(self, **kwargs: object) -> None:
        raise ValueError(
            'the config names no data set here: read it with '
            'mmc2f.apis.load_config(path), as the tools do, and give it '
            'train_data and test_data'
        )
