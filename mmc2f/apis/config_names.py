"""Names at the top of a config that nothing reads, though they look so."""

from collections.abc import Iterable
from difflib import get_close_matches

from mmengine.config import Config

__all__ = ['check_names']

#: Of MMEngine's runner, and of our configs where nothing is written to a
#: field.
READ = (
    *('model', 'data_root', 'train_data', 'val_data', 'test_data'),
    *('taxonomy', 'views', 'rerank', 'whiten', 'cascade', 'holdout'),
    *('train_dataloader', 'val_dataloader', 'test_dataloader'),
    *('train_cfg', 'val_cfg', 'test_cfg', 'auto_scale_lr'),
    *('optim_wrapper', 'param_scheduler', 'val_evaluator'),
    *('test_evaluator', 'default_hooks', 'custom_hooks'),
    *('data_preprocessor', 'load_from', 'resume', 'launcher', 'env_cfg'),
    *('log_processor', 'log_level', 'visualizer', 'default_scope'),
    *('randomness', 'experiment_name', 'work_dir', 'custom_imports'),
    *('find_unused_parameters', 'max_damaged_images', 'input_size'),
)
#: Far enough that ``train_pipeline`` and ``test_pipeline`` are two names.
CUTOFF = 0.9


def check_names(cfg: Config, facts: Iterable[str]) -> None:
    """Refuse a name that is almost one that is read.

    A config is a program, in which any name may stand, so MMEngine ignores
    those that it does not know: ``num_clases = 7`` would train on.

    Args:
        cfg: As it was read.
        facts: Names that are read, beside those of the runner.

    Raises:
        ValueError: With the name that is probably meant.
    """
    known = {*READ, *facts}
    for name in set(cfg.keys()) - known:
        like = get_close_matches(name, known, n=1, cutoff=CUTOFF)
        if like:
            raise ValueError(
                f'the config has {name}, which nothing reads: write '
                f'{like[0]}, if you mean that, or give it another name'
            )
