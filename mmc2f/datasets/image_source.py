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
        self._rows: dict[tuple[str, str | None], int] = {}
        for row in range(len(dataset)):
            info = dataset.get_data_info(row)
            for view in {None, info.get('view')}:
                self._rows.setdefault((info['img_path'], view), row)

    def __call__(self, name: str, view: str | None = None) -> np.ndarray:
        """RGB image ``(H, W, 3)`` uint8.

        Args:
            name: Path of the file, whole or relative to the data root.
            view: Which of its views, where the data set has several, as
                :class:`mmc2f.MultiResolutionDataset` has. ``None``: the
                first.

        Raises:
            KeyError: The data set has no such image, or not in this view.
        """
        row = self._rows.get((name, view))
        if row is None:
            row = self._rows.get((osp.join(self.root, name), view))
        if row is None:
            images = len({path for path, _ in self._rows})
            seen = '' if view is None else f' in a view {view!r}'
            raise KeyError(
                f'{name}{seen} is none of the {images} images of the '
                f'data set in {self.root!r}: do the predictions belong to '
                'this config?'
            )
        # Packed images are BGR, channels first.
        bgr = self.dataset[row]['inputs'].numpy()
        return bgr[::-1].transpose(1, 2, 0).copy()
