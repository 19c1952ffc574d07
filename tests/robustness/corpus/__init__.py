"""Bad inputs and faults, and what each entry point makes of them."""

from dataclasses import replace
from importlib import import_module

from corpus.case import Case

__all__ = ['GROUPS', 'all_cases']

#: Modules with ``CASES``, by what kind of inputs these are.
GROUPS = {
    'control': 'controls',
    'code': 'code_in_files',
    'checkpoint': 'checkpoints',
    'image': 'image_files',
    'tree': 'trees',
    'gallery': 'galleries',
    'config': 'configs',
    'data': 'data_sets',
    'predictions': 'prediction_files',
    'path': 'paths',
    'fault': 'faults',
}


def all_cases() -> list[Case]:
    """Every case, with its group."""
    return [
        replace(case, group=group)
        for group, module in GROUPS.items()
        for case in import_module(f'corpus.{module}').CASES
    ]
