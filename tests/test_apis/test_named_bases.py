"""Shipped configs as bases by name."""

import pytest
from mmengine.config import Config

from mmc2f.apis import load_config
from mmc2f.apis.config_file import shipped_configs
from mmc2f.apis.named_bases import allow_named_bases


def write(tmp_path, base):
    path = tmp_path / 'mine.py'
    path.write_text(f'_base_ = {base!r}\nnum_classes = 7\n')
    return path


@pytest.mark.parametrize('name', ['ccfr_grocery.py', 'ccfr_grocery'])
def test_a_base_by_name_from_anywhere(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    # A file of that name here is another config.
    (tmp_path / 'ccfr_grocery.py').write_text('model = 1\n')
    cfg = load_config(write(tmp_path, f'mmc2f::{name}'))
    assert cfg.model.num_classes == 7
    assert '_scope_' not in cfg.model
    shipped = load_config(
        shipped_configs()['ccfr_grocery'], dict(num_classes=7)
    )
    assert cfg.model == shipped.model


def test_a_base_in_a_list_and_twice_allowed(tmp_path):
    allow_named_bases()
    allow_named_bases()
    path = write(tmp_path, ['mmc2f::ccfr_fonts.py'])
    assert Config.fromfile(path).num_classes == 7


def test_an_unknown_name(tmp_path):
    path = write(tmp_path, 'mmc2f::ccfr_grosery.py')
    with pytest.raises(FileNotFoundError, match='do you mean ccfr_grocery'):
        load_config(path)


def test_other_bases_are_the_hosts(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_config(write(tmp_path, 'nowhere.py'))
