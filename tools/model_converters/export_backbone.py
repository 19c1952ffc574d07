"""Take the backbone out of a checkpoint, for mmdet or any other use.

    python tools/model_converters/export_backbone.py \
        work_dirs/ccfr_cub/epoch_130.pth checkpoints/resnet50_ccfr.pth

The file holds tensors under the names of the backbone alone, so that
``init_cfg=dict(type='Pretrained', checkpoint=FILE)`` of the same network
reads it. Names of ``mmpretrain.ResNet`` are those of ``mmdet.ResNet``; those
of ``mmc2f.FeatureTap`` become the names of timm or torchvision.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmc2f.apis.command_line import add_trust, parse, run_tool
from mmc2f.weights import read_checkpoint

PREFIX = 'backbone.'
#: Before the library's own names in a FeatureTap.
TAP_PREFIX = 'model.'
NUM_SHOWN = 4


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write the backbone of a checkpoint to a file of its own.'
    )
    parser.add_argument(
        'checkpoint', type=Path, help='of CCFR, MLPH or any classifier'
    )
    parser.add_argument('out', type=Path, help='file to write')
    add_trust(parser)
    return parse(parser, argv)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There are no weights in it, or it could run code.
    """
    content = read_checkpoint(path, 'cpu')
    content = content.get('state_dict', content)
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise ValueError(f'checkpoint {path} has no state dict')
    return dict(content)


def backbone_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the backbone by the names that it gives them.

    Args:
        weights: State dict of a classifier.

    Raises:
        ValueError: It has no backbone, or one with adapters (LoRA), which a
            plain network has no place for.
    """
    backbone = _below(PREFIX, weights)
    if not backbone:
        found = sorted({name.split('.')[0] for name in weights})
        raise ValueError(
            f'no weights are named {PREFIX}*, but '
            f'{", ".join(found[:NUM_SHOWN]) or "there are none"}'
            f'{", ..." if len(found) > NUM_SHOWN else ""}: is it a checkpoint '
            'of a classifier, and not an exported backbone already?'
        )
    adapters = [name for name in backbone if 'lora_' in name]
    if adapters:
        raise ValueError(
            f'the backbone has adapters ({PREFIX}{adapters[0]}): merge them '
            'into its weights first'
        )
    tapped = _below(TAP_PREFIX, backbone)
    if len(tapped) == len(backbone):
        backbone = tapped
    # A slice would take the whole tensor that it is cut from into the file.
    return {name: value.clone() for name, value in backbone.items()}


def _below(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    try:
        weights = read_weights(args.checkpoint)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from error
    try:
        backbone = backbone_weights(weights)
    except ValueError as error:
        raise SystemExit(f'{args.checkpoint}: {error}') from error
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': backbone}, args.out)
    print(f'{len(backbone)} of {len(weights)} tensors written to {args.out}')


if __name__ == '__main__':
    run_tool(main)
