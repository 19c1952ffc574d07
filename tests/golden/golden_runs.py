"""Tiny trainings whose every number is on record.

``python tests/golden/golden_runs.py FOLDER NAME ...`` makes the records. Those
of ``ccfr`` and ``mlph`` were made at commit 23ca531, those of the other
families at 0454436, on the machine that ``cpu`` in the records describes; a
change of names or structure must not change a number. Make new ones only
where a change of the numbers is meant, and say so.

Files of a run, say ``ccfr``: the config ``ccfr.py``, its last checkpoint
``ccfr_end.pth``, its gallery ``ccfr_gallery.safetensors``, and the records
``ccfr.json``. Of a family that is no :data:`RUNS` there are config and records
only.
"""

import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

GOLDEN = Path(__file__).parent
RUNS = ('ccfr', 'mlph')
#: Of each kind of config that configs/ has.
FAMILIES = (*RUNS, 'baseline', 'mlp', 'hbp')
STEPS = 20
#: Of a prediction, those that it has are on record.
FIELDS = (
    'pred_score',
    'pred_label',
    'coarse_score',
    'embedding',
    'regions',
    'region_scores',
    'level_scores',
    'retrieval_score',
    'neighbour_labels',
    'neighbour_similarities',
)


class Recorder(Hook):
    """Keeps the losses of each step and what is predicted in a test."""

    def __init__(self) -> None:
        self.losses: list[dict[str, float]] = []
        self.predictions: list[dict] = []

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        self.losses.append({k: v.item() for k, v in outputs.items()})

    def after_test_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ) -> None:
        for sample in outputs:
            found = {name: sample.get(name) for name in FIELDS}
            self.predictions.append(
                {k: _plain(v) for k, v in found.items() if v is not None}
            )


class StartingWeights(Hook):
    """Draws each weight from its name.

    So it does not matter which part of a model is built first.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        for name, parameter in runner.model.named_parameters():
            if parameter.dim() > 1:
                generator = torch.Generator().manual_seed(crc32(name.encode()))
                std = parameter[0].numel() ** -0.5
                parameter.data.normal_(0, std, generator=generator)


def config(name: str) -> Config:
    """The config of a run; its paths are relative."""
    return Config.fromfile(GOLDEN / f'{name}.py')


def train(cfg: Config) -> dict:
    """Losses of the first steps and predictions of the trained model."""
    recorder = Recorder()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.register_hook(StartingWeights())
    runner.train()
    runner.test()
    return dict(
        losses=recorder.losses[:STEPS], predictions=recorder.predictions
    )


def rerank(cfg: Config, checkpoint: Path, **gallery: str) -> list[dict]:
    """Predictions of a checkpoint, re-ranked with a gallery.

    Args:
        cfg: Of a run.
        checkpoint: To load.
        **gallery: ``gallery_file`` to read or ``save_gallery`` to write.
    """
    recorder = Recorder()
    cfg.load_from = str(checkpoint)
    # Neighbours of a tiny network are very near: all pass, all may vote.
    processor = dict(
        type='mmc2f.ReRankPostProcessor', topn=3, topm=8, t_sf=1.0, t_sc=0.5
    )
    hook = dict(type='mmc2f.ReRankHook', post_processor=processor, **gallery)
    cfg.custom_hooks.append(hook)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.test()
    return recorder.predictions


def cpu() -> dict[str, str]:
    """What the last bits of a result depend on."""
    name = platform.processor()
    info = Path('/proc/cpuinfo')
    if info.is_file():
        lines = info.read_text(encoding='utf-8').splitlines()
        name = next(
            (x.partition(': ')[2] for x in lines if x.startswith('model n')),
            name,
        )
    return dict(
        name=name,
        capability=torch.backends.cpu.get_cpu_capability(),
        torch=torch.__version__,
    )


def record(folder: Path, names: Sequence[str]) -> None:
    """Make the records of some families, in an empty folder."""
    sys.path.insert(0, str(GOLDEN.parent))
    from tiny_ccfr import write_images

    torch.set_num_threads(1)
    for name in names:
        (folder / name).mkdir(parents=True)
        os.chdir(folder / name)
        write_images(Path('images'))
        records = train(config(name))
        if name not in RUNS:
            write(GOLDEN / f'{name}.json', dict(cpu=cpu(), **records))
            continue
        (last,) = Path('work').glob('epoch_*.pth')
        checkpoint = torch.load(last)
        # A path of the machine that it was made on.
        del checkpoint['message_hub']['runtime_info']['last_ckpt']
        torch.save(checkpoint, GOLDEN / f'{name}_end.pth')
        gallery = GOLDEN / f'{name}_gallery.safetensors'
        records['reranked'] = rerank(
            config(name), last, save_gallery=str(gallery)
        )
        write(GOLDEN / f'{name}.json', dict(cpu=cpu(), **records))


def write(path: Path, records: dict) -> None:
    """JSON with a line for each step and each prediction."""
    parts = []
    for name, value in records.items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = '[\n' + ',\n'.join(map(json.dumps, value)) + '\n]'
        parts.append(f'{json.dumps(name)}: {text}')
    text = '{\n' + ',\n'.join(parts) + '\n}\n'
    path.write_text(text, encoding='utf-8')


def _plain(value):
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value.tolist()


if __name__ == '__main__':
    record(Path(sys.argv[1]).resolve(), sys.argv[2:])
