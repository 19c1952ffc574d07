"""One image through CCFR: ONNX Runtime against PyTorch.

Example:
    python -m benchmarks onnx_inference --threads 1
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.figures import (
    Figure,
    interleaved,
    parser,
    ratios,
    report,
    set_threads,
)
from mmc2f import C2FInferencer
from mmc2f.deploy.export_onnx import export_onnx
from mmc2f.deploy.onnx_classifier import OnnxClassifier
from mmc2f.deploy.onnx_graph import make_graph

TREE = 'cub'


def main(argv: list[str] | None = None) -> list[Figure]:
    options = parser(__doc__, rounds=20)
    options.add_argument('--config', default='ccfr_cub2010_lite0')
    args = options.parse_args(argv)
    set_threads(args.threads)
    from mmc2f.apis import load_config

    # A tree that need not be clustered first.
    cfg = load_config(f'configs/{args.config}.py', {'tree': TREE})
    predict = C2FInferencer(cfg, pretrained=False, device='cpu')
    with TemporaryDirectory() as folder:
        path = Path(folder, 'model.onnx')
        difference = max(export_onnx(predict, path).values())
        classify = OnnxClassifier(path, threads=args.threads)
        graph = make_graph(predict.model)
        rng = np.random.default_rng(0)
        shape = (1, 3, *classify.input_size)
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        tensor = torch.from_numpy(image)

        def eager() -> None:
            with torch.inference_mode():
                graph(tensor)

        seconds = interleaved(
            {'onnx': lambda: classify.run(image), 'torch': eager},
            args.rounds,
            args.clock,
            warmup=3,
        )
    figure = Figure(
        row=13,
        work=f'one image through {args.config} by ONNX Runtime',
        against='PyTorch eager',
        rounds=ratios(seconds, 'onnx', 'torch'),
        limit=0.6,
        note=f'outputs differ by {difference:.1g} at most',
    )
    report([figure], args.json)
    return [figure]


if __name__ == '__main__':
    main()
