"""Names that are almost those that a config may have."""

import pytest
from mmengine.config import Config

from mmc2f.apis.config_names import check_names

FACTS = ('num_classes', 'stage_epochs', 'batch_size', 'topn', 'topm')


@pytest.mark.parametrize(
    ('name', 'meant'),
    [
        ('num_clases', 'num_classes'),
        ('stage_epoch', 'stage_epochs'),
        ('batchsize', 'batch_size'),
        ('train_dataloaders', 'train_dataloader'),
        ('custom_hook', 'custom_hooks'),
    ],
)
def test_misspelt_name_is_refused_with_the_one_that_is_meant(name, meant):
    with pytest.raises(ValueError, match=f'has {name}, .* write {meant}, if'):
        check_names(Config({name: 1}), FACTS)


def test_other_names_may_stand_in_a_config():
    own = ('train_pipeline', 'test_batch_size', 'cosine', 'epochs', 'rerank')
    check_names(Config(dict.fromkeys((*own, *FACTS), 1)), FACTS)
