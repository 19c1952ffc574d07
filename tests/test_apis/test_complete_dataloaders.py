import pytest
from mmengine.config import Config

from mmc2f.apis import complete_dataloaders


def make_config(**loader):
    loader = dict(num_workers=2, **loader)
    return Config(dict(train_dataloader=loader, val_dataloader=None))


@pytest.fixture
def _a_gpu(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)


@pytest.mark.usefixtures('_a_gpu')
def test_options_that_are_missing_are_set():
    cfg = make_config()
    complete_dataloaders(cfg)
    assert cfg.train_dataloader == dict(
        num_workers=2,
        pin_memory=True,
        persistent_workers=True,
        collate_fn=dict(type='default_collate'),
    )
    assert cfg.val_dataloader is None
    assert 'test_dataloader' not in cfg


@pytest.mark.usefixtures('_a_gpu')
def test_what_the_config_says_stays():
    said = dict(
        pin_memory=False,
        persistent_workers=False,
        collate_fn=dict(type='pseudo_collate'),
    )
    cfg = make_config(**said)
    complete_dataloaders(cfg)
    assert cfg.train_dataloader == dict(said, num_workers=2)


@pytest.mark.usefixtures('_a_gpu')
def test_memory_is_not_pinned_where_that_is_not_wanted():
    cfg = make_config()
    complete_dataloaders(cfg, pin_memory=False)
    assert not cfg.train_dataloader.pin_memory


@pytest.mark.parametrize(
    ('workers', 'persistent'), [(0, True), (None, True), (2, False)]
)
def test_workers_are_not_kept(workers, persistent):
    cfg = make_config(persistent_workers=True)
    cfg.train_dataloader.num_workers = workers
    complete_dataloaders(cfg, persistent_workers=persistent)
    assert not cfg.train_dataloader.persistent_workers
