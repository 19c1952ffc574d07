import csv
import json

import pytest
from PIL import Image

from mmc2f.datasets import fonts
from mmc2f.datasets.cub_annotations import CubAnnotations
from mmc2f.datasets.fonts import (
    FontDemoSpec,
    draw_vocabularies,
    font_faces,
    write_font_demo,
)

SPEC = FontDemoSpec(seed=3, train_per_class=2, test_per_class=1, size=48)


def _contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp('fonts') / 'set'
    assert write_font_demo(out, SPEC)
    return out


def test_layout_is_one_folder_a_face(demo):
    faces = list(font_faces())
    for split in ('train', 'test'):
        folders = sorted(path.name for path in (demo / split).iterdir())
        assert folders == faces
        for face in faces:
            files = list((demo / split / face).glob('*.png'))
            assert len(files) == SPEC.per_class(split)
    with Image.open(demo / 'train' / faces[0] / '000.png') as image:
        assert (image.mode, image.size) == ('RGB', (48, 48))


def test_taxonomy_is_sorted_and_consistent():
    with fonts.TAXONOMY.open(newline='') as file:
        rows = list(csv.DictReader(file))
    faces = [row['face'] for row in rows]
    assert faces == sorted(set(faces))
    styles = {}
    for row in rows:
        assert styles.setdefault(row['family'], row['style']) == row['style']
    assert set(styles.values()) == {'serif', 'sans', 'mono'}


def test_missing_face_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr('matplotlib.get_data_path', lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match='no face DejaVuSans'):
        font_faces()


def test_train_and_test_share_no_word(demo):
    words = {'train': set(), 'test': set()}
    for name, drawn in json.loads((demo / 'words.json').read_text()).items():
        assert (demo / name).is_file()
        words[name.split('/')[0]].update(word.lower() for word in drawn)
    assert words['train']
    assert words['test']
    assert not words['train'] & words['test']
    vocabularies = draw_vocabularies(SPEC.seed)
    assert words['train'] <= set(vocabularies['train'])
    assert not set(vocabularies['train']) & set(vocabularies['test'])


def test_each_letter_has_its_place(demo):
    known = CubAnnotations(demo)
    words = json.loads((demo / 'words.json').read_text())
    assert len(known) == len(words)
    for name, drawn in words.items():
        text = known(demo / name)
        assert len(text.parts) == len(''.join(drawn))
        low, high = text.box.view(2, 2)
        # The middle of a letter's advance may lie beside thin ink.
        assert (text.parts > low - 2).all()
        assert (text.parts < high + 2).all()
        assert (low >= 0).all()
        assert (high <= SPEC.size).all()


def test_set_without_its_annotations_is_drawn_anew(demo, tmp_path):
    write_font_demo(tmp_path, SPEC)
    (tmp_path / 'parts' / 'part_locs.txt').unlink()
    assert write_font_demo(tmp_path, SPEC)
    assert _contents(tmp_path) == _contents(demo)


def test_same_seed_gives_same_bytes(demo, tmp_path):
    write_font_demo(tmp_path, SPEC)
    assert _contents(tmp_path) == _contents(demo)


def test_complete_set_is_left_alone(demo):
    before = {path: path.stat().st_mtime_ns for path in demo.rglob('*')}
    assert not write_font_demo(demo, SPEC)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_interrupted_set_is_drawn_anew(demo, tmp_path):
    write_font_demo(tmp_path, SPEC)
    (tmp_path / 'test' / 'cmr10' / '000.png').unlink()
    assert write_font_demo(tmp_path, SPEC)
    assert _contents(tmp_path) == _contents(demo)


def test_folder_of_other_parameters_is_refused(demo):
    with pytest.raises(FileExistsError, match='other parameters'):
        write_font_demo(demo, FontDemoSpec(seed=4, size=48))


def test_foreign_folder_is_refused(tmp_path):
    (tmp_path / 'thesis.tex').write_text('mine')
    with pytest.raises(FileExistsError, match='no font demo set'):
        write_font_demo(tmp_path, SPEC)


def test_empty_class_or_tiny_image_is_refused():
    with pytest.raises(ValueError, match='at least 1'):
        FontDemoSpec(train_per_class=0)
    with pytest.raises(ValueError, match='at least 32'):
        FontDemoSpec(size=8)
