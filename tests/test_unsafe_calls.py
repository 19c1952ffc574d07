"""Calls that can run a file, or start a program: each one is known.

``docs/trust.md`` says what each is for. A new one needs a line here and
there, and a test with a crafted file.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Modules whose readers run what they read, or that start programs.
MODULES = ('pickle', 'dill', 'joblib', 'marshal', 'shelve', 'yaml')
PROGRAMS = ('subprocess', 'importlib')
CALLS = (
    *('eval', 'exec', 'compile', '__import__'),
    *('torch.load', 'torch.jit.load', 'torch.hub.load', 'np.load'),
    *('numpy.load', 'os.system', 'os.popen', 'runpy.run_path'),
    *('Config.fromfile', 'Config.fromstring'),
)
KNOWN = {
    # The safe reader, and the guard of MMEngine's readers.
    'mmc2f/weights/read.py': {'pickle', 'torch.load'},
    'mmc2f/weights/guard.py': {'yaml'},
    # Configs and studies are programs by design.
    'mmc2f/apis/load_config.py': {'Config.fromfile'},
    'mmc2f/apis/ablation/study.py': {'Config.fromfile'},
    'mmc2f/apis/ablation/overrides.py': {'Config.fromfile'},
    'mmc2f/apis/ablation/finished_run.py': {'Config.fromfile'},
    # Programs of this repository, with arguments as a list.
    'mmc2f/apis/ablation/runner.py': {'subprocess'},
    'mmc2f/apis/ablation/record.py': {'subprocess'},
    'tools/demo/run_demo.py': {'subprocess'},
    'mmc2f/engine/process_group.py': {'subprocess'},
    # Names of packages that the code itself has.
    'mmc2f/optional.py': {'importlib'},
    'mmc2f/host.py': {'importlib'},
    'mmc2f/cli/installation.py': {'importlib'},
    'mmc2f/cli/demo.py': {'importlib'},
    'mmc2f/cli/serve.py': {'importlib'},
    'mmc2f/deploy/export_onnx.py': {'importlib'},
    # The tools of this package.
    'mmc2f/cli/tools.py': {'runpy.run_path'},
    'tools/model_converters/efficientnet_lite.py': {'importlib'},
}


def unsafe(tree: ast.AST) -> Iterator[str]:
    """Modules and calls in a file that the tables name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or '']
        elif isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            if call in CALLS:
                yield call
            if any(
                keyword.arg in ('shell', 'allow_pickle')
                for keyword in node.keywords
            ):
                yield f'{call} with shell or allow_pickle'
            continue
        else:
            continue
        for name in names:
            top = name.partition('.')[0]
            if top in MODULES + PROGRAMS:
                yield top


def files() -> list[Path]:
    found = [
        path
        for folder in ('mmc2f', 'tools')
        for path in sorted((ROOT / folder).rglob('*.py'))
        if '.mim' not in path.parts
    ]
    assert len(found) > 100
    return found


def test_every_unsafe_call_is_known():
    found = {}
    for path in files():
        calls = set(unsafe(ast.parse(path.read_text(encoding='utf-8'))))
        if calls:
            found[path.relative_to(ROOT).as_posix()] = calls
    assert found == KNOWN


def test_every_file_with_one_is_explained():
    text = (ROOT / 'docs' / 'trust.md').read_text(encoding='utf-8')
    for name in KNOWN:
        assert f'`{name}`' in text, name


@pytest.mark.parametrize(
    ('code', 'found'),
    [
        ('import pickle', 'pickle'),
        ('from yaml import load', 'yaml'),
        ('torch.load(path)', 'torch.load'),
        ('eval(text)', 'eval'),
        ('run(a, shell=True)', 'run with shell or allow_pickle'),
        ('model.eval()', None),
    ],
)
def test_finds_what_it_looks_for(code, found):
    assert next(unsafe(ast.parse(code)), None) == found
