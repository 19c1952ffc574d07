"""Coverage and accuracy of answers of different levels."""

import math

import pytest
import torch

from mmc2f.evaluation.functional import selective_accuracy
from mmc2f.evaluation.tables import answer_table, table_text


def reference(levels, correct, names):
    answers = [
        row[level]
        for level, row in zip(levels, correct, strict=True)
        if level >= 0
    ]
    return {
        'coverage': 100 * len(answers) / len(levels),
        'selective_accuracy': 100 * sum(answers) / len(answers),
        **{
            f'{name}_share': 100 * levels.count(level) / len(levels)
            for level, name in enumerate(names)
        },
    }


def test_equals_loops():
    levels = torch.randint(-1, 3, (50,))
    correct = torch.rand(50, 3) < 0.6
    values = selective_accuracy(levels, correct, 'xyz')
    assert values == pytest.approx(
        reference(levels.tolist(), correct.tolist(), 'xyz')
    )
    assert all(isinstance(value, float) for value in values.values())
    shares = sum(v for name, v in values.items() if name.endswith('_share'))
    assert shares == pytest.approx(values['coverage'])


def test_no_answer():
    values = selective_accuracy(
        torch.tensor([-1, -1]), torch.ones(2, 1).bool(), ['x']
    )
    assert math.isnan(values.pop('selective_accuracy'))
    assert values == {'coverage': 0, 'x_share': 0}


def test_no_image():
    with pytest.raises(ValueError, match='no image'):
        selective_accuracy(torch.zeros(0).long(), torch.zeros(0, 1), ['x'])


def test_table():
    metrics = {
        **{'high_coverage': 75.0, 'high_selective_accuracy': 50.0},
        **{'high_x_share': 25.0, 'high_y_share': 50.0},
        **{'overall_coverage': 0.0, 'overall_selective_accuracy': math.nan},
        **{'overall_x_share': 0.0, 'overall_y_share': 0.0},
    }
    table = answer_table(metrics, ['high', 'overall'], 'xy', 'as given')
    lines = table_text(table).splitlines()
    cells = [line.replace('│', ' ').split() for line in lines]
    assert ['high', '75.00', '50.00', '25.00', '50.00'] in cells
    assert ['overall', '0.00', '-', '0.00', '0.00'] in cells
    assert lines[-1] == 'as given'
