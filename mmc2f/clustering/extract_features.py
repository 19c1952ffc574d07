"""Features of all images that a data loader yields."""

import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather, is_main_process
from mmengine.model import BaseModel
from torch import Tensor
from torch.utils.data import DataLoader

from mmc2f.model_state import evaluation_mode

__all__ = ['extract_features']


@torch.no_grad()
def extract_features(
    model: BaseModel,
    dataloader: DataLoader,
    stage: str = 'neck',
    description: str = 'Extracting features',
) -> tuple[Tensor, Tensor]:
    """Run a classifier over a data loader, in evaluation mode.

    Under distributed running every rank works on its share and returns the
    features of all; the sampler must deal the images out in turn without
    shuffling, as ``DefaultSampler(shuffle=False)`` does.

    Args:
        model: mmpretrain classifier. The mode of each of its modules is put
            back afterwards.
        dataloader: Yields what the model's data preprocessor takes.
        stage: ``stage`` of the classifier's ``extract_feat``. Of several
            feature maps the last is taken; maps are averaged over space.
        description: Text of the progress bar.

    Returns:
        Features ``(N, D)`` float32 and labels ``(N,)`` int64 on the CPU, in
        the order of the data set.

    Raises:
        ValueError: No image, or an image with no label or several.
    """
    from rich.progress import track

    features, labels = [], []
    with evaluation_mode(model):
        for data in track(
            dataloader, description, disable=not is_main_process()
        ):
            labels += [_label(sample) for sample in data['data_samples']]
            batch = model.data_preprocessor(data, False)
            output = model.extract_feat(batch['inputs'], stage=stage)
            features.append(_as_vectors(output).float().cpu())
    if not features:
        raise ValueError('The data loader yields no image to describe.')
    dataset: BaseDataset = dataloader.dataset
    size = len(dataset)
    return (
        _merge_ranks(all_gather(torch.cat(features)), size),
        _merge_ranks(all_gather(torch.tensor(labels)), size),
    )


def _as_vectors(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    last = output if isinstance(output, Tensor) else output[-1]
    return last.mean(dim=(-2, -1)) if last.ndim == 4 else last.flatten(1)


def _label(sample) -> int:
    label = sample.get('gt_label')
    if label is None or label.numel() != 1:
        path = sample.get('img_path', 'an image of the data loader')
        count = 'no label' if label is None else f'{label.numel()} labels'
        raise ValueError(f'{path} has {count}; exactly one is needed.')
    return int(label)


def _merge_ranks(parts: list[Tensor], size: int) -> Tensor:
    """Undo the dealing out in turn, and drop what evened out the shares."""
    return torch.stack(parts, dim=1).flatten(0, 1)[:size]
