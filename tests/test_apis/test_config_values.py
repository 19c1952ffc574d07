"""Values that a config cannot have, refused by their names."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmc2f.apis import load_config
from mmc2f.apis.config_values import check_values

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.mark.parametrize('name', ['ccfr_fonts', 'mlph_fonts'])
@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('batch_size', 0),
        ('batch_size', 2.5),
        ('num_classes', 0),
        ('num_classes', '21'),
        ('images_per_class', 0),
        ('topm', 1.5),
        ('topn', 0),
        ('max_damaged_images', -1),
        ('max_epochs', -1),
        ('train_dataloader.batch_size', 0),
        ('val_dataloader.batch_size', -4),
        ('test_dataloader.num_workers', -1),
        ('learning_rate', -0.1),
        ('optim_wrapper.optimizer.lr', float('nan')),
        ('optim_wrapper.optimizer.lr', float('inf')),
        ('learning_rate', '1e-3x'),
    ],
)
def test_option_is_named(name, option, value):
    with pytest.raises(ValueError) as caught:
        load_config(CONFIGS / f'{name}.py', {option: value})
    message = str(caught.value)
    assert message.startswith(f'{option} of the config must be ')
    assert message.endswith(f'got {value!r}') and '\n' not in message


@pytest.mark.parametrize('value', [[1, 0, 1, 1], [1, 1.5, 1, 1], 0])
def test_stages_of_no_epoch(value):
    with pytest.raises(ValueError, match='an entry of stage_epochs'):
        check_values(Config(dict(stage_epochs=value)))


def test_what_a_config_lacks_is_not_looked_at():
    check_values(Config(dict()))
    check_values(Config(dict(train_dataloader=None, model='mine')))
    check_values(Config(dict(stage_epochs=3, learning_rate=0, topm=None)))
