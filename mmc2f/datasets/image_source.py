"""Images by the name that a prediction calls them."""

import os.path as osp

import numpy as np
from mmengine.dataset import BaseDataset

__all__ = ['ImageSource']


class ImageSource:
    """The images of a data set as the model's input shows them.

    Regions are boxes in pixels of the model's input, so that is where they
    are drawn.

    Args:
        dataset: A data set with files, in test mode.
    """

    def __init__(self, dataset: BaseDataset) -> None:
        self.dataset = dataset
        # Wrappers of several data sets have none.
        self.root = getattr(dataset, 'data_root', None) or ''
        self._rows = {
            dataset.get_data_info(i)['img_path']: i
            for i in range(len(dataset))
        }

    def __call__(self, name: str) -> np.ndarray:
        """RGB image ``(H, W, 3)`` uint8.

        Args:
            name: Path of the file, whole or relative to the data root.

        Raises:
            KeyError: The data set has no such image.
        """
        row = self._rows.get(name)
        if row is None:
            row = self._rows.get(osp.join(self.root, name))
        if row is None:
            raise KeyError(
                f'{name} is none of the {len(self._rows)} images of the '
                f'data set in {self.root!r}: do the predictions belong to '
                'this config?'
            )
        # Packed images are BGR, channels first.
        bgr = self.dataset[row]['inputs'].numpy()
        return bgr[::-1].transpose(1, 2, 0).copy()
