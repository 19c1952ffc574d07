"""Tools that do nothing but leave what the real ones leave."""

import textwrap

import pytest

from mmc2f.apis.ablation import load_study

COMMON = """
import argparse, json, os, sys
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument('config')
{arguments}
parser.add_argument('--work-dir', type=Path)
parser.add_argument('--cfg-options', nargs='+')
args = parser.parse_args()
options = dict(o.split('=') for o in args.cfg_options)
seed = int(options['randomness.seed'])
with open(Path(__file__).with_name('calls'), 'a') as file:
    print(Path(__file__).stem, seed, os.environ.get('OMP_NUM_THREADS'),
          *sys.argv[1:], file=file)
"""
LOG = """
def log(time, text):
    folder = args.work_dir / time
    folder.mkdir(parents=True)
    (folder / f'{time}.log').write_text(
        '2026/01/01 10:00:00 - mmengine - INFO - start\\n'
        f'2026/01/01 10:01:30 - mmengine - INFO - {text}\\n')
    return folder
"""
TRAIN = """
note = args.work_dir / 'last_checkpoint'
assert bool(args.resume) == note.is_file()
log('2' if args.resume else '1', 'Epoch(train)')
note.write_text(str(args.work_dir / 'epoch_1.pth'))
(args.work_dir / 'epoch_1.pth').touch()
if options.get('stop') == str(seed) and not args.resume:
    sys.exit('stopped half way')
"""
TUNE = """
Path(args.checkpoint).with_suffix('.rerank.png').write_text('curves')
"""
TEST = """
folder = log('3', 'Epoch(test)')
assert args.checkpoint == str(args.work_dir.parent / 'epoch_1.pth')
if 'broken' in options:
    sys.exit('no such layer')
right = int(options.get('right', 5)) + seed
with args.out.open('w') as file:
    for i in range(10):
        best = 'a' if i < right else 'b'
        coarse = [{'class': best, 'probability': 1.0}]
        answer = dict(image=f'{i}.png', truth='a', coarse=coarse)
        print(json.dumps(answer), file=file)
(folder / '3.json').write_text(json.dumps({'accuracy/top1': 10.0 * right}))
"""


@pytest.fixture
def tools(tmp_path):
    """Folder of the tools; ``tools.calls()`` tells what was called."""
    folder = tmp_path / 'tools'
    folder.mkdir()
    for name, arguments, body in (
        ('train', ("'--resume', action='store_true'",), TRAIN),
        ('test', ("'checkpoint'", "'--out', type=Path"), TEST),
        ('tune_rerank', ("'checkpoint'",), TUNE),
    ):
        extra = "parser.add_argument('--no-validate', action='store_true')\n"
        extra += '\n'.join(f'parser.add_argument({a})' for a in arguments)
        text = COMMON.format(arguments=extra) + LOG + body
        (folder / f'{name}.py').write_text(textwrap.dedent(text))
    return folder


@pytest.fixture
def calls(tools):
    """Names and seeds of the calls so far, or whole lines."""

    def read(whole=False):
        file = tools / 'calls'
        lines = file.read_text().splitlines() if file.is_file() else []
        return lines if whole else [' '.join(x.split()[:2]) for x in lines]

    return read


@pytest.fixture
def study(tmp_path):
    """Makes a study of the given rows, on an empty config."""
    (tmp_path / 'plain.py').write_text('x = 1')

    def make(*rows, **top):
        text = f'rows = {list(rows)!r}\n'
        for name, value in dict(title='T', config='plain.py', **top).items():
            text += f'{name} = {value!r}\n'
        path = tmp_path / 'own_study.py'
        path.write_text(text)
        return load_study(path)

    return make
