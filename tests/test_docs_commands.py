"""Each command that README and docs show would start, and a test runs it.

A command whose option was renamed is refused here by the program's own
parser. Beside that each program is run, on data of its own, by the test that
``RUN_BY`` names; a block that no test runs says why, in the line before it::

    <!-- not run: it needs a network -->
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from doc_commands import (
    PAGES,
    ROOT,
    Command,
    load_program,
    named_options,
    options_of,
    parse,
    program_of,
    shown_commands,
)

from mmc2f.apis import load_config

CLI, TOOLS = 'tests/test_cli', 'tests/tools'
#: The test that runs a program.
RUN_BY = {
    'mmc2f doctor': f'{CLI}/test_doctor.py::test_all_is_well_here',
    'mmc2f draw boxes': f'{CLI}/test_draw.py'
    '::test_a_picture_of_the_answers_of_now',
    'mmc2f draw clusters': f'{CLI}/test_draw_measured.py'
    '::test_each_picture_by_one_command',
    'mmc2f draw confusion': f'{CLI}/test_draw.py'
    '::test_a_picture_of_the_answers_of_now',
    'mmc2f draw map': f'{CLI}/test_draw_measured.py'
    '::test_each_picture_by_one_command',
    'mmc2f draw rerank': f'{CLI}/test_draw.py'
    '::test_the_picture_is_called_as_the_command',
    'mmc2f draw resolutions': f'{CLI}/test_draw_measured.py'
    '::test_each_picture_by_one_command',
    'mmc2f draw sweep': f'{CLI}/test_draw_measured.py'
    '::test_each_picture_by_one_command',
    'mmc2f explain': f'{CLI}/test_explain.py::test_picture_and_words',
    'mmc2f export': f'{CLI}/test_export.py'
    '::test_exported_model_answers_as_predict_does',
    'mmc2f gallery add': f'{CLI}/test_gallery_command.py'
    '::test_a_new_class_answers_its_own_images',
    'mmc2f gallery build': f'{CLI}/test_gallery_command.py'
    '::test_build_holds_the_training_images',
    'mmc2f gallery info': f'{CLI}/test_gallery_command.py::test_info',
    'mmc2f gallery remove': f'{CLI}/test_gallery_command.py'
    '::test_add_and_remove_leave_the_gallery_as_it_was',
    'mmc2f init': f'{CLI}/test_init.py::test_a_folder_of_twenty_classes',
    'mmc2f predict': f'{CLI}/test_predict.py::test_a_line_for_each_image',
    'mmc2f serve': f'{CLI}/test_serve.py::test_serves_until_it_is_stopped',
    'mmc2f train': f'{CLI}/test_tools.py'
    '::test_words_reach_the_tool_as_they_are',
    'tools/ablate.py': f'{TOOLS}/test_ablate.py::test_from_nothing_to_a_table',
    'tools/batch_predict.py': 'tests/test_apis/test_batch_predict/'
    'test_batch_predict.py::test_kills_lose_nothing_and_repeat_nothing',
    'tools/build_hierarchy.py': f'{TOOLS}/test_own_configs.py::test_ccfr',
    'tools/dataset_converters/make_fonts.py': 'tests/test_docs_commands.py'
    '::test_make_fonts_draws_the_data_set',
    'tools/dist_test.sh': f'{TOOLS}/test_launch_scripts.py'
    '::test_dist_test_hands_on_the_checkpoint',
    'tools/dist_train.sh': f'{TOOLS}/test_launch_scripts.py'
    '::test_dist_train_starts_one_process_per_gpu',
    'tools/draw_predictions.py': f'{TOOLS}/test_draw_predictions.py'
    '::test_reranked_prediction_is_drawn_with_its_neighbours',
    'tools/model_converters/export_backbone.py': f'{TOOLS}/'
    'test_export_backbone.py::test_resnet_keeps_its_names',
    'tools/results_table.py': f'{TOOLS}/test_results_table.py'
    '::test_reads_the_last_test_of_each_work_dir',
    'tools/search_resolution.py': f'{TOOLS}/test_search_resolution.py'
    '::test_finds_where_the_stripes_vanish',
    'tools/test.py': f'{TOOLS}/test_train_and_test.py'
    '::test_coarse_answers_alone',
    'tools/train.py': f'{TOOLS}/test_train_and_test.py'
    '::test_trains_through_all_stages',
    'tools/tune_rerank.py': f'{TOOLS}/test_tune_rerank_tool.py'
    '::test_writes_what_the_test_reads',
}
#: What is of the system.
SHELL = ('find',)
COMMANDS = shown_commands()


def is_ours(command: Command) -> bool:
    """Whether it has a parser that can be asked."""
    return command.program.startswith('mmc2f ') or bool(
        re.search(r'\.(py|sh)$', command.program)
    )


ours = pytest.mark.parametrize('command', filter(is_ours, COMMANDS), ids=str)
makes = pytest.mark.parametrize(
    'command', [c for c in COMMANDS if c.program.startswith('make ')], ids=str
)


def test_pages_show_commands():
    """Else a change of their form would leave nothing to test."""
    programs = {command.program for command in COMMANDS}
    assert len(COMMANDS) > 60
    assert {'mmc2f predict', 'tools/train.py', 'make demo'} <= programs


@ours
def test_the_program_takes_the_command(command, monkeypatch):
    if 'test_web' in command.program:
        pytest.importorskip('selenium', reason='install the extra tests')
    program, words = command.program, command.words
    values = parse(program, words, monkeypatch)
    # Of argparse a part of the name will do, until another option has it too.
    assert named_options(words) <= options_of(program, monkeypatch)
    changed = values.get('cfg_options') or {}
    if changed:
        load_config(ROOT / values['config'], changed)


@makes
def test_make_knows_the_target(command):
    if shutil.which('make') is None:
        pytest.skip('install make')
    done = subprocess.run(
        ['make', '--dry-run', command.program.split()[1], *command.words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('command', COMMANDS, ids=str)
def test_a_test_runs_it_or_the_page_says_why_not(command):
    is_run = command.program in RUN_BY
    is_make = command.program.startswith('make ')
    assert is_run or is_make or command.program in SHELL or command.reason, (
        f'name the test that runs {command.program} in RUN_BY, or say before '
        'the block: <!-- not run: why -->'
    )


@pytest.mark.parametrize('program', RUN_BY)
def test_the_named_test_is_there(program):
    path, _, name = RUN_BY[program].partition('::')
    text = (ROOT / path).read_text()
    assert re.search(rf'^def {name}\(', text, re.MULTILINE)
    word = program.split()[-1] if ' ' in program else Path(program).stem
    assert word in text, f'{path} does not run {program}'


def test_no_program_is_named_that_no_page_shows():
    shown = {command.program for command in COMMANDS}
    assert RUN_BY.keys() <= shown


def inline_commands() -> list[tuple[str, str]]:
    """Page and text of the commands in running text that have options."""
    span = re.compile(r'`((?:python )?(?:mmc2f \w|tools/)[^`]*\s--[^`]*)`')
    return [
        (page.name, ' '.join(text.split()))
        for page in PAGES
        for text in span.findall(page.read_text())
    ]


@pytest.mark.parametrize(('page', 'text'), inline_commands())
def test_the_program_has_the_options_of_the_text(page, text, monkeypatch):
    """Such a command is cut short: its arguments are not all there."""
    program, words = program_of(text.split())
    assert named_options(words) <= options_of(program, monkeypatch)


def test_an_option_that_was_renamed_is_noticed(monkeypatch):
    with pytest.raises(SystemExit):
        parse('tools/train.py', ('c.py', '--resumes'), monkeypatch)
    with pytest.raises(Exception, match='--outs'):
        parse('mmc2f explain', ('m', 'i', '--outs', 'a'), monkeypatch)
    # Which argparse takes for --gallery.
    assert not named_options(('--galler',)) <= options_of(
        'tools/test.py', monkeypatch
    )


def test_make_fonts_draws_the_data_set(tmp_path, monkeypatch):
    """The tool, for fewer images than the page asks for."""
    tool = 'tools/dataset_converters/make_fonts.py'
    few = ['--train-per-class', '1', '--test-per-class', '1', '--size', '32']
    monkeypatch.setattr('sys.argv', [tool, str(tmp_path / 'fonts'), *few])
    load_program(tool).main()
    images = list((tmp_path / 'fonts').glob('*/*/*.png'))
    assert len(images) == 2 * 21
