"""What the file ``last_checkpoint`` names."""

import pytest

from mmc2f.files.noted_checkpoint import noted_checkpoint


@pytest.fixture
def note(tmp_path):
    (tmp_path / 'epoch_2.pth').touch()
    note = tmp_path / 'last_checkpoint'
    note.write_text(f'{tmp_path}/epoch_2.pth\n')
    return note


def test_names_a_checkpoint(note):
    assert noted_checkpoint(note.parent) == str(note.parent / 'epoch_2.pth')


def test_work_dir_was_moved(note):
    note.write_text('/elsewhere/epoch_2.pth')
    assert noted_checkpoint(note.parent) == str(note.parent / 'epoch_2.pth')


@pytest.mark.parametrize('text', ['', '\n'])
def test_empty(note, text):
    note.write_text(text)
    with pytest.raises(ValueError, match=r'last_checkpoint is empty'):
        noted_checkpoint(note.parent)


def test_missing(note):
    note.write_text('/elsewhere/epoch_3.pth')
    message = r'last_checkpoint names .*/elsewhere/epoch_3\.pth, which does'
    with pytest.raises(FileNotFoundError, match=message):
        noted_checkpoint(note.parent)
    note.unlink()
    with pytest.raises(FileNotFoundError, match='no training has saved'):
        noted_checkpoint(note.parent)
