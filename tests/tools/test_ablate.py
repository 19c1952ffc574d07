"""Studies: those that are shipped, and one that is run."""

import re

import pytest
from mmengine.registry import init_default_scope
from tiny_ccfr import IMAGES_PER_CLASS, own_default_scope, write_images
from tool_helpers import ROOT, load_tool, write_config

from mmc2f.apis.ablation import jobs_of, load_study
from mmc2f.apis.ablation.overrides import flatten, merged_config
from mmc2f.registry import HOOKS, MODELS

STUDIES = sorted((ROOT / 'configs' / 'studies').glob('*.py'))
NO_WORKERS = {
    f'{part}_dataloader.num_workers': 0 for part in ('train', 'val', 'test')
}
tool = load_tool('ablate.py')

each_study = pytest.mark.parametrize('path', STUDIES, ids=lambda p: p.stem)


def configs_of(study):
    """Each config that the study trains or tests, once."""
    found = {}
    for row in study.rows:
        test = {**flatten(row.overrides), **flatten(row.test_overrides)}
        for overrides in (flatten(row.overrides), test):
            cfg, _ = merged_config(row.config, overrides)
            found.setdefault(cfg.pretty_text, cfg)
    return list(found.values())


@each_study
def test_every_row_builds(path):
    study = load_study(path)
    with own_default_scope():
        init_default_scope('mmpretrain')
        configs = configs_of(study)
        # Many differ in the test alone.
        models = {repr(cfg.model): cfg.model for cfg in configs}
        for model in models.values():
            model.backbone.init_cfg = None
            built = MODELS.build(model)
            assert any(p.requires_grad for p in built.parameters())
        for cfg in configs:
            for hook in cfg.custom_hooks:
                HOOKS.build(hook)


@each_study
def test_rows_differ(path, tmp_path):
    """No two rows of a table show the same figure."""
    study = load_study(path)
    for rows in study.groups().values():
        shown = [
            (row.measure, row.view, jobs_of(study, row, tmp_path)[0].folder)
            for row in rows
        ]
        assert len(set(shown)) == len(shown)


@each_study
def test_dry_run_prints_every_row_and_runs_nothing(path, tmp_path, capsys):
    root = tmp_path / 'root'
    assert tool.main([str(path), '--dry-run', '--root', str(root)]) is None
    out = capsys.readouterr().out
    study = load_study(path)
    for row in study.rows:
        assert f'{row.group}/{row.name}: ' in out
    seeds = sum(len(row.seeds) for row in study.rows)
    assert out.count('to do') == seeds
    assert len(re.findall(r'python \S*tools/train\.py', out)) == seeds
    assert not root.exists()


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of one tiny training, in the current folder."""
    monkeypatch.chdir(tmp_path)
    images = write_images(tmp_path, splits=('train', 'test'), size=128)
    write_config(tmp_path / 'own.py', images, stage_epochs=(1, 1, 1, 1))
    path = tmp_path / 'tiny_study.py'
    path.write_text(
        f'title = "Tiny"\nconfig = "own.py"\noverrides = {NO_WORKERS}\n'
        'rows = [dict(name="coarse"), '
        'dict(name="re-ranked", measure="reranked")]\n'
    )
    return path


def test_from_nothing_to_a_table(study, tmp_path, capfd, monkeypatch):
    # Read it as well from the work dir of a run by hand.
    out = tmp_path / 'docs' / 'results.md'
    result = tool.main([str(study), '--out', str(out)])
    coarse, reranked = result.rows
    metrics = coarse.records[0].metrics
    prefix = next(k for k in metrics if k.endswith('/coarse_top1'))
    prefix = prefix.removesuffix('coarse_top1')
    assert coarse.values == pytest.approx([metrics[f'{prefix}coarse_top1']])
    assert reranked.values == pytest.approx([metrics[f'{prefix}rerank_top1']])
    assert reranked.gain.gain == pytest.approx(reranked.mean - coarse.mean)
    images = metrics['predictions/written']
    assert images == IMAGES_PER_CLASS * 4
    text = out.read_text()
    assert f'{images:.0f} test images' in text
    assert '![Tiny](images/ablation_tiny_study.png)' in text
    assert (tmp_path / 'docs/images/ablation_tiny_study.png').stat().st_size
    assert text.count('tools/train.py own.py --work-dir work_dirs/') == 1
    assert capfd.readouterr().out.count('tools/train.py') == 1
    # Again: nothing is left to run, and the figures are the same.
    tool.main([str(study), '--out', str(out)])
    assert 'tools/train.py' not in capfd.readouterr().out
    assert out.read_text() == text
    # The same run, read as one that was started by hand.
    folder = next((tmp_path / 'work_dirs' / 'ablate').glob('*/seed_0'))
    test_folder = next(folder.glob('test-*'))
    for part in test_folder.glob('[0-9]*'):
        part.rename(folder / part.name)
    by_hand = tmp_path / 'by_hand.py'
    by_hand.write_text(
        'title = "By hand"\n'
        f'rows = [dict(name="a", work_dir={str(folder)!r}, '
        f'predictions="{test_folder.name}/predictions.jsonl")]'
    )
    read = tool.main([str(by_hand)])
    assert read.rows[0].values == coarse.values
    assert read.rows[0].records[0].metrics == metrics
    assert 'vis_data/config.py' in capfd.readouterr().out


def test_choice_of_rows_and_seeds(study, tmp_path, capsys):
    text = study.read_text()
    study.write_text(f'seeds = (1, 2)\ngroup = "g"\n{text}')
    tool.main([str(study), '--dry-run', '--only', 'g/co*', '--seeds', '2'])
    out = capsys.readouterr().out
    assert 'g/coarse' in out
    assert 're-ranked' not in out
    assert re.findall(r'seed (\d), to do', out) == ['2']
    with pytest.raises(SystemExit, match='no row is called x'):
        tool.main([str(study), '--only', 'x'])


def test_no_run_writes_what_there_is(study, tmp_path, capsys):
    tool.main([str(study), '--no-run'])
    assert 'Nothing has been run yet.' in capsys.readouterr().out
    assert not (tmp_path / 'work_dirs').exists()


def test_failures_come_last(study, tmp_path, capsys):
    (tmp_path / 'own.py').write_text('x = 1')
    with pytest.raises(SystemExit, match='failed: work_dirs/ablate/own-'):
        tool.main([str(study)])
    out = capsys.readouterr().out
    assert 'has no model' in out, out
    assert '0 of 1' in out


def test_wrong_study_is_a_message(study):
    study.write_text('rows = [dict(name="a")]')
    with pytest.raises(SystemExit, match='a study needs title'):
        tool.main([str(study)])
    with pytest.raises(SystemExit):
        tool.main([str(study), '--jobs', '0'])
