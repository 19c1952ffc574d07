"""Studies: trainings that differ in a part, and what the part is worth."""

from .jobs import Evaluation, Training, jobs_of, shell
from .report import report, write_section
from .results import RowResult, StudyResult, collect
from .runner import finished_test, is_trained, run_all
from .study import Row, Study, load_study

__all__ = [
    'Evaluation',
    'Row',
    'RowResult',
    'Study',
    'StudyResult',
    'Training',
    'collect',
    'finished_test',
    'is_trained',
    'jobs_of',
    'load_study',
    'report',
    'run_all',
    'shell',
    'write_section',
]
