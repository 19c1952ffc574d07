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
PARTS = ('__init__', '__main__', 'figures', 'models', 'page')
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


def main() -> None:
    listed = programs()
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('name', nargs='?', choices=listed)
    options.add_argument('--page', metavar='FILE', help='run the CPU set')
    options.add_argument(
        '--only', nargs='+', choices=CPU_SET, help='of the set'
    )
    args, rest = options.parse_known_args()
    if args.page is not None:
        from benchmarks.page import write_page

        results = run_set(list(args.only or CPU_SET), rest)
        write_page(Path(args.page), results)
    elif args.name is None:
        width = max(map(len, listed))
        for name, line in listed.items():
            print(f'{name:{width}}  {line}')
    else:
        module = importlib.import_module(f'benchmarks.{args.name}')
        module.main(rest)


if __name__ == '__main__':
    main()
