"""``python -m benchmarks`` lists the programs, with a NAME it runs one.

``python -m benchmarks --page docs/performance.md`` runs the CPU set and
writes the page and its picture, which is what ``make bench`` does.
"""

import argparse
import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

FOLDER = Path(__file__).parent
#: No programs.
PARTS = (
    *('__init__', '__main__', 'figures', 'models', 'page'),
    'random_gallery',
)
#: The rows of the table on a CPU, and what each is run with.
CPU_SET = {
    'ccfr_inference': (),
    'training_step': ('--batch', '4'),
    'region_choice': (),
    'rerank_search': (),
    'gallery_index': ('--rows', '10000', '100000', '1000000'),
    'rerank_sweep': (),
    'multilinear_pool': ('--rounds', '1'),
    'jpeg_loading': (),
    'import_time': (),
    'cascade': (),
    'cpu_defaults': (),
    'onnx_inference': (),
}


def programs() -> dict[str, str]:
    """Names, and the first line of what each says of itself."""
    found = {}
    for file in sorted(FOLDER.glob('*.py')):
        if file.stem not in PARTS:
            text = ast.get_docstring(ast.parse(file.read_text())) or ''
            found[file.stem] = text.splitlines()[0]
    return found


def run_set(names: list[str], extra: list[str]) -> list[dict]:
    """Run programs in processes of their own; what each has measured."""
    results = []
    with TemporaryDirectory() as folder:
        for name in names:
            file = Path(folder, f'{name}.json')
            words = [*CPU_SET[name], *extra, '--json', str(file)]
            print(f'# {name} {" ".join(words[:-2])}', flush=True)
            command = [sys.executable, '-m', 'benchmarks', name, *words]
            code = subprocess.run(command, check=False).returncode
            if not file.is_file():
                print(f'{name} has measured nothing (exit code {code})')
                continue
            result = json.loads(file.read_text())
            results.append(dict(result, program=name, words=words[:-2]))
    return results


def main(argv: list[str] | None = None) -> None:
    """List the programs, run one, or run the set and write the page."""
    words = sys.argv[1:] if argv is None else argv
    listed = programs()
    if words and words[0] in listed:
        # Its options are its own.
        importlib.import_module(f'benchmarks.{words[0]}').main(words[1:])
        return
    options = argparse.ArgumentParser(
        prog='python -m benchmarks',
        usage='%(prog)s [NAME ...] | [--page FILE [--programs NAME ...]]',
        description='What each part of mmc2f costs, as ratios',
    )
    options.add_argument('--page', metavar='FILE', help='run the CPU set')
    options.add_argument(
        '--programs', nargs='+', choices=CPU_SET, help='of the set'
    )
    options.add_argument('--clock', choices=('wall', 'cpu'))
    options.add_argument('--threads', type=int)
    args = options.parse_args(words)
    if args.page is None:
        width = max(map(len, listed))
        for name, line in listed.items():
            print(f'{name:{width}}  {line}')
        return
    from benchmarks.page import write_page

    extra = [] if args.clock is None else ['--clock', args.clock]
    if args.threads is not None:
        extra += ['--threads', str(args.threads)]
    results = run_set(list(args.programs or CPU_SET), extra)
    write_page(Path(args.page), results)


if __name__ == '__main__':
    main()
