"""``mmc2f doctor``: whether mmc2f works here, and what mends it."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Annotated

import typer

from mmc2f.cli.installation import (
    ABSENT,
    OK,
    WRONG,
    Check,
    checks_of_metadata,
    checks_of_mmdet,
)
from mmc2f.cli.options import Debug, Json, Verbose
from mmc2f.cli.screen import LOG, divert_output, quiet_host

__all__ = ['doctor']

MARKS = {OK: 'ok     ', ABSENT: 'absent ', WRONG: 'WRONG  '}


def doctor(
    self_test: Annotated[
        bool,
        typer.Option(
            '--self-test/--no-self-test',
            help='Train, search and re-rank with a tiny model.',
        ),
    ] = True,
    as_json: Json = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> int:
    """Tell what is installed, what is missing, and the command that mends it.

    Ends with a test of a few seconds on a tiny model. The exit code is 1
    where something that mmc2f needs is wrong; what is only absent is needed
    by some configs.
    """
    checks = []
    with divert_output() as answers:
        for check in _checks(self_test):
            checks.append(check)
            if not as_json:
                answers(_line(check))
        wrong = [check.name for check in checks if check.status == WRONG]
        if as_json:
            parts = [dataclasses.asdict(check) for check in checks]
            answers(json.dumps(dict(ok=not wrong, checks=parts), indent=2))
        elif wrong:
            answers.note(f'mmc2f: error: not usable: {", ".join(wrong)}')
        else:
            answers('mmc2f can be used.')
    return int(bool(wrong))


def _checks(self_test: bool) -> Iterator[Check]:
    is_usable = True
    for check in checks_of_metadata():
        is_usable &= check.status != WRONG or check.name == 'requirements'
        yield check
    if not is_usable:
        # Importing would fail, and say less.
        return
    with quiet_host():
        yield from checks_of_mmdet()
        yield _accelerator()
        if self_test:
            yield _self_test()


def _accelerator() -> Check:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        return Check('GPU', ABSENT, 'none: everything runs on the CPU')
    names = [torch.cuda.get_device_name(i) for i in range(count)]
    return Check('GPU', OK, ', '.join(names))


def _self_test() -> Check:
    try:
        from mmc2f.apis.self_test import run_self_test

        seconds = run_self_test()
    # Whatever is broken in a foreign package is what is looked for.
    except Exception as error:
        LOG.add_traceback(error)
        found = f'{type(error).__name__}: {error}'
        return Check('self-test', WRONG, ' '.join(found.split()))
    parts = ', '.join(f'{name} {s:.1f} s' for name, s in seconds.items())
    return Check('self-test', OK, parts)


def _line(check: Check) -> str:
    mend = f'; run: {check.mend}' if check.mend else ''
    return f'{MARKS[check.status]}{check.name}: {check.found}{mend}'
