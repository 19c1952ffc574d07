"""Run an ablation study and write its results.

A study file lists trainings that differ in a part. What is finished is not
run again, what was interrupted goes on, and the figures are written with
their spread over seeds, a paired bootstrap, the machine, the time and every
command.

Example:
    python tools/ablate.py configs/studies/ccfr_table3.py --dry-run
    python tools/ablate.py configs/studies/ccfr_table3.py --jobs 2 \
        --out docs/results.md
"""

import argparse
import os
import shlex
from fnmatch import fnmatch
from pathlib import Path

from mmc2f.apis.ablation import (
    Evaluation,
    Study,
    StudyResult,
    collect,
    finished_test,
    is_trained,
    jobs_of,
    load_study,
    report,
    run_all,
    shell,
    write_section,
)
from mmc2f.apis.command_line import run_tool
from mmc2f.apis.config_file import config_file
from mmc2f.files import write_bytes
from mmc2f.visualization import draw_ablation, save_picture

TOOLS = Path(__file__).parent


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Run an ablation study')
    parser.add_argument('study', type=config_file, help='study file')
    parser.add_argument(
        '--out',
        type=Path,
        help='Markdown file with a section for the study, which is replaced '
        'or added; printed where not given',
    )
    parser.add_argument(
        '--images',
        type=Path,
        help='folder of the plots; the default is images beside --out',
    )
    parser.add_argument(
        '--root',
        type=Path,
        default=Path('work_dirs/ablate'),
        help='folder of the trainings, which studies share; the default is '
        'work_dirs/ablate',
    )
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        help='trainings at a time, each with its share of the cores',
    )
    parser.add_argument(
        '--only',
        nargs='+',
        metavar='PATTERN',
        help='run only rows with such a name, or GROUP/NAME; * and ? stand '
        'for other letters',
    )
    parser.add_argument(
        '--seeds', nargs='+', type=int, help='run only these of the seeds'
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='print rows and commands, and run nothing',
    )
    parser.add_argument(
        '--no-run',
        action='store_true',
        help='write the results of what has been run',
    )
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error('--jobs must be at least 1')
    return args


def chosen(
    study: Study, args: argparse.Namespace
) -> dict[str, list[Evaluation]]:
    """Tests of the rows and seeds that the command line asks for.

    Raises:
        SystemExit: No row has such a name.
    """
    tests = {}
    for row in study.rows:
        label = f'{row.group}/{row.name}'
        patterns = args.only or ['*']
        if any(fnmatch(n, p) for n in (row.name, label) for p in patterns):
            tests[label] = [
                test
                for test in jobs_of(study, row, args.root)
                if args.seeds is None or test.training.seed in args.seeds
            ]
    if not tests:
        raise SystemExit(f'no row is called {" or ".join(args.only)}')
    return tests


def describe(label: str, tests: list[Evaluation]) -> str:
    """A row with the commands that it needs, and how far it is."""
    lines = [f'{label}: ' + ('' if tests else 'finished runs, read only')]
    for test in tests:
        training = test.training
        state = 'to do'
        if (training.folder / 'last_checkpoint').is_file():
            state = 'trained' if is_trained(training) else 'half trained'
        if finished_test(test) is not None:
            state = 'done'
        lines.append(f'  seed {training.seed}, {state}')
        lines.append(f'    {shell(training.command(TOOLS))}')
        lines += [
            f'    {shell(command, training.folder)}'
            for command in test.commands(TOOLS, 'CHECKPOINT')
        ]
    return '\n'.join(lines)


def write(result: StudyResult, args: argparse.Namespace) -> None:
    """The section with its plot, or its text alone to the terminal."""
    study = result.study
    command = ['', str(Path(__file__).resolve()), str(args.study)]
    if args.out is None:
        print(report(result, shell(command), {}))
        return
    images = args.images or args.out.parent / 'images'
    picture = images / f'ablation_{study.name}.png'
    rows = {
        group: [
            dict(name=r.row.name, values=r.values, gain=r.gain) for r in rows
        ]
        for group, rows in result.groups().items()
    }
    save_picture(draw_ablation(rows, study.title), picture)
    pictures = {study.title: picture, **copy_curves(study, args.root, images)}
    links = {
        title: Path(os.path.relpath(path, args.out.parent)).as_posix()
        for title, path in pictures.items()
    }
    text = report(result, shell([*command, '--out', str(args.out)]), links)
    write_section(args.out, study.name, text)
    print(f'results: {args.out}\nplot: {picture}')


def copy_curves(study: Study, root: Path, images: Path) -> dict[str, Path]:
    """Curves of the tuned rows, of the first seed that is done."""
    found = {}
    for number, row in enumerate(study.rows):
        drawn = [
            test.curves
            for test in jobs_of(study, row, root)
            if test.tune and test.curves.is_file()
        ]
        if drawn:
            copy = images / f'ablation_{study.name}_{number}.png'
            write_bytes(copy, drawn[0].read_bytes())
            found[f'{row.group} {row.name}, tuning'.strip()] = copy
    return found


def main(argv: list[str] | None = None) -> StudyResult | None:
    """Run what is missing and write what is known.

    Returns:
        The figures; ``None`` of a dry run.

    Raises:
        SystemExit: The study file is wrong, or a run failed; the results of
            the others are written first.
    """
    args = parse_args(argv)
    try:
        study = load_study(args.study)
        tests = chosen(study, args)
        if args.dry_run:
            for label, own in tests.items():
                print(describe(label, own))
            return None
        failed = {}
        if not args.no_run:
            every = [test for own in tests.values() for test in own]
            failed = run_all(every, TOOLS, args.jobs)
        result = collect(study, args.root)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    write(result, args)
    if failed:
        folders = shlex.join(str(test.folder) for test in failed)
        raise SystemExit(f'failed: {folders}')
    return result


if __name__ == '__main__':
    run_tool(main)
