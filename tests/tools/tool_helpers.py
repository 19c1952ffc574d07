"""Tools as modules, and a config such as a user writes for them."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
CLASSES = 4
# What a small data set needs at the top of the config.
TOP = dict(
    num_classes=CLASSES,
    taxonomy=None,
    tree=dict(type='mmc2f.ClassClustering', num_clusters=2),
    stage_epochs=(1, 1, 1),
    batch_size=8,
    images_per_class=2,
    **{'t_sf, t_sc': (1.0, 0.7)},
)
# A network that trains in seconds; the rest is the config's own.
SMALL = """
model['backbone'] = dict(
    _delete_=True,
    type='mmc2f.FeatureTap',
    model_name='test_efficientnet',
    nodes=('blocks.3', 'bn2'),
    init_cfg={init_cfg!r},
)
model['global_head']['in_channels'] = 256
model['navigator'] = dict(in_channels=(48, 256), fpn_channels=8)
model['fusion'] = dict(in_channels=256, out_channels=16)
model['region_head']['in_channels'] = 256
model['head']['in_channels'] = 256 + 2 * 16
"""


# The same for MLPH.
MLPH_TOP = dict(
    num_classes=CLASSES, stage_epochs=(1, 1), batch_size=8, channels=8
)
MLPH_SMALL = """
model['backbone'] = dict(
    _delete_=True,
    type='mmc2f.FeatureTap',
    model_name='test_efficientnet',
    nodes=('blocks.2', 'blocks.3', 'bn2'),
)
model['neck']['in_channels'] = (32, 48, 256)
"""


def load_tool(path: str) -> ModuleType:
    """The tool ``tools/PATH`` as a module."""
    file = ROOT / 'tools' / path
    spec = importlib.util.spec_from_file_location(f'tool_{file.stem}', file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_config(
    path: Path, data_root: Path, init_cfg: dict | None = None, **top: object
) -> Path:
    """A copy of ``configs/ccfr_fonts.py`` with another top, made small.

    Args:
        path: Where to write it.
        data_root: Images in splits ``train`` and ``test``.
        init_cfg: Of the backbone.
        **top: Values at the top of the config.
    """
    text = _with_top('ccfr_fonts', dict(TOP, data_root=str(data_root), **top))
    path.write_text(text + SMALL.format(init_cfg=init_cfg), encoding='utf-8')
    return path


def write_mlph_config(path: Path, data_root: Path, tree: Path) -> Path:
    """A copy of ``configs/mlph_fonts.py`` with another top, made small.

    Args:
        path: Where to write it.
        data_root: Images in splits ``train`` and ``test``.
        tree: File of a tree with the levels ``class`` and ``group``.
    """
    views = [
        dict(name='high', level='class', resolution=None),
        dict(name='low', level='group', resolution=16),
    ]
    top = dict(MLPH_TOP, data_root=str(data_root), taxonomy=str(tree))
    text = _with_top('mlph_fonts', dict(top, views=views))
    path.write_text(text + MLPH_SMALL, encoding='utf-8')
    return path


def _with_top(config: str, top: dict[str, object]) -> str:
    """Text of a shipped config with other values at its top."""
    text = (ROOT / 'configs' / f'{config}.py').read_text(encoding='utf-8')
    text = text.replace("'_base_/", f"'{ROOT}/configs/_base_/")
    for name, value in top.items():
        text, count = re.subn(
            rf'^{name} = (\[\n.*?\n\]|[^#\n]*)',
            lambda match, n=name, v=value: f'{n} = {v!r} ',
            text,
            flags=re.MULTILINE | re.DOTALL,
        )
        assert count == 1, f'{name} is no value at the top of the config'
    return text
