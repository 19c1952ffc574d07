"""Tools as modules, and a config such as a user writes for them."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
CLASSES = 4
# What a person's own config says of a small data set.
TOP = dict(
    num_classes=CLASSES,
    taxonomy=None,
    tree=dict(type='mmc2f.ClassClustering', num_clusters=2),
    stage_epochs=(1, 1, 1, 1),
    batch_size=8,
    t_sf=1.0,
)
# A network that trains in seconds.
BACKBONE = dict(
    _delete_=True,
    type='mmc2f.FeatureTap',
    model_name='test_efficientnet',
    nodes=('blocks.3', 'bn2'),
)
# The same for MLPH.
MLPH_TOP = dict(
    num_classes=CLASSES,
    stage_epochs=(1, 1),
    batch_size=8,
    channels=8,
    views=[
        dict(name='high', level='class', resolution=None),
        dict(name='low', level='group', resolution=16),
    ],
)


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
    """A config that inherits from ``ccfr_fonts.py``, made small.

    Args:
        path: Where to write it.
        data_root: Images in splits ``train`` and ``test``.
        init_cfg: Of the backbone.
        **top: Further facts.
    """
    model = dict(
        backbone=dict(BACKBONE, init_cfg=init_cfg),
        navigator=dict(fpn_channels=8),
        fusion=dict(out_channels=16),
    )
    facts = {**TOP, 'data_root': str(data_root), **top}
    return write_child(path, 'ccfr_fonts', model=model, **facts)


def write_mlph_config(path: Path, data_root: Path, tree: Path) -> Path:
    """A config that inherits from ``mlph_fonts.py``, made small.

    Args:
        path: Where to write it.
        data_root: Images in splits ``train`` and ``test``.
        tree: File of a tree with the levels ``class`` and ``group``.
    """
    nodes = ('blocks.2', 'blocks.3', 'bn2')
    return write_child(
        path,
        'mlph_fonts',
        model=dict(backbone=dict(BACKBONE, nodes=nodes)),
        **dict(MLPH_TOP, data_root=str(data_root), taxonomy=str(tree)),
    )


def write_child(path: Path, base: str, **values: object) -> Path:
    """A config that inherits from a shipped one."""
    lines = [f"_base_ = '{ROOT}/configs/{base}.py'"]
    lines += [f'{name} = {value!r}' for name, value in values.items()]
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return path
