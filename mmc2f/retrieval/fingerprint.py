"""A fingerprint of everything that a stored embedding depends on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from torch import nn

from mmc2f.arguments import type_name
from mmc2f.datasets.requirements import class_names
from mmc2f.files.safetensors_file import hash_tensor
from mmc2f.model_state import unwrap_model
from mmc2f.retrieval.image_ids import (
    dataset_images,
    hash_files,
    hash_images,
)

__all__ = [
    'fingerprint',
    'hash_json',
    'model_fingerprint',
    'run_fingerprint',
]

# Transforms that leave the pixels alone: changing their arguments, say the
# path of a tree, must not invalidate a gallery.
_LABEL_TRANSFORMS = frozenset({'AddHierarchyLabels', 'PackInputs'})
# Where files are read from, not what is read.
_STORAGE_ARGUMENTS = frozenset({'backend_args', 'file_client_args'})


def fingerprint(
    model: nn.Module, pipeline_cfg: Any, classes: Sequence[str]
) -> dict[str, str]:
    """Hash the weights, the preprocessing and the class list.

    Args:
        model: The classifier; a distributed wrapper is looked through.
        pipeline_cfg: Config of what happens to an image before the model:
            the list of test transforms, or a dict such as
            ``dict(pipeline=[...], data_preprocessor=dict(...))``. Scope
            prefixes of types, the storage a file is read from and
            transforms that only touch labels do not count.
        classes: The class names in order.

    Returns:
        SHA-256 digests in hex under ``'weights'``, ``'pipeline'`` and
        ``'classes'``.
    """
    return {
        'weights': _hash_weights(model),
        'pipeline': hash_json(_canonical(pipeline_cfg)),
        'classes': hash_json(list(classes)),
    }


def run_fingerprint(
    cfg: Config, model: nn.Module, dataset: BaseDataset
) -> dict[str, str]:
    """The fingerprint of embeddings that a config's test would make.

    Args:
        cfg: Full config, whose test pipeline and normalisation count.
        model: With the weights.
        dataset: The images to embed: their names, labels and classes, and
            their resolutions where they come in several views.

    Returns:
        As :func:`fingerprint`, with ``'images'``, a digest of names and
        labels, where the data set tells them without being decoded, and
        ``'image_files'``, see
        :func:`~mmc2f.retrieval.image_ids.hash_files`, where they are here.
    """
    views = getattr(dataset, 'views', None)
    if views is not None:
        views = [view.resolution for view in views]
    made_by = model_fingerprint(cfg, model, class_names(dataset), views)
    if hasattr(dataset, 'get_data_info'):
        made_by['images'] = hash_images(*dataset_images(dataset))
        files = hash_files(dataset)
        if files is not None:
            made_by['image_files'] = files
    return made_by


def model_fingerprint(
    cfg: Config,
    model: nn.Module,
    classes: Sequence[str],
    resolutions: Sequence[int | None] | None = None,
) -> dict[str, str]:
    """:func:`run_fingerprint` for want of the data set.

    Args:
        cfg: Full config, whose test pipeline and normalisation count.
        model: With the weights.
        classes: The class names in order.
        resolutions: Those that the images are embedded in, where they come
            in several; see
            :func:`mmc2f.datasets.train_loader_in_test_mode.gallery_views`.

    Returns:
        As :func:`fingerprint`.
    """
    preparation = dict(
        pipeline=cfg.test_dataloader.dataset.pipeline,
        # The runner hands the model the one beside it.
        data_preprocessor=cfg.model.get('data_preprocessor')
        or cfg.get('data_preprocessor'),
    )
    if resolutions is not None:
        # Part of what happens to the pixels.
        preparation['resolutions'] = list(resolutions)
    source = getattr(unwrap_model(model), 'embedding_source', 'pre_logits')
    if source != 'pre_logits':
        # Of the same weights, but other embeddings.
        preparation['embedding_source'] = source
    return fingerprint(model, preparation, classes)


def _hash_weights(model: nn.Module) -> str:
    model = unwrap_model(model)
    # LoRA keeps the weights that it adds to out of the state dict.
    values = {**dict(model.named_parameters()), **model.state_dict()}
    digest = hashlib.sha256()
    for name, value in sorted(values.items()):
        if isinstance(value, torch.Tensor):
            hash_tensor(digest, name, value)
        else:
            digest.update(f'{name} {_to_json(value)}\n'.encode())
    return digest.hexdigest()


def _canonical(cfg: Any) -> Any:
    """The config in plain JSON types, without what does not matter."""
    if isinstance(cfg, Mapping):
        return {
            str(key): type_name(value) if key == 'type' else _canonical(value)
            for key, value in cfg.items()
            if key not in _STORAGE_ARGUMENTS
        }
    if isinstance(cfg, list | tuple):
        return [_canonical(item) for item in cfg if not _is_for_labels(item)]
    return cfg


def _is_for_labels(cfg: Any) -> bool:
    return (
        isinstance(cfg, Mapping)
        and 'type' in cfg
        and type_name(cfg['type']) in _LABEL_TRANSFORMS
    )


def hash_json(value: Any) -> str:
    """SHA-256 in hex of a value of JSON types."""
    return hashlib.sha256(_to_json(value).encode()).hexdigest()


def _to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
