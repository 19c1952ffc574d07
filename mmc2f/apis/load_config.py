"""Configs with everything that follows from the facts at their top."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from mmc2f.apis.config_names import check_names
from mmc2f.apis.config_values import check_values
from mmc2f.apis.damage_limit import FACT as DAMAGE
from mmc2f.apis.damage_limit import apply_damage_limit
from mmc2f.arguments import type_name
from mmc2f.datasets.hold_out import apply_holdout
from mmc2f.weights import UntrustedFileError

__all__ = ['complete_config', 'load_config']

LOADERS = ('train', 'val', 'test')
EVALUATORS = ('val_evaluator', 'test_evaluator')
#: The stage of a plain fine-tune that ``max_epochs`` is of.
STAGE = 'finetune'
#: Names at the top of a config, and the fields that they are written to.
FIELDS = {
    'num_classes': 'model.num_classes',
    'tree': 'model.tree',
    'channels': 'model.neck.channels',
    'interactions': 'model.neck.interactions',
    'batch_size': 'train_dataloader.batch_size',
    'images_per_class': 'train_dataloader.sampler.num_images_per_class',
    'learning_rate': 'optim_wrapper.optimizer.lr',
    'stage_epochs': 'train_cfg.stage_epochs',
    'max_epochs': f'train_cfg.stages.{STAGE}.epochs',
}
#: What those parts must be; of mmpretrain's they are none.
TAKERS = {
    'model': ('CCFR', 'EmbeddingClassifier'),
    'train_cfg': ('StagedTrainLoop',),
}
#: Likewise, of the post-processor of ReRankHook.
RERANKING = ('topn', 'topm', 't_sf', 't_sc', 'gate')
#: Metrics and data sets that take the known tree.
WITH_TAXONOMY = (
    'ReRankMetric',
    'MultiResolutionMetric',
    'FinestConfidentLevel',
)
VIEWS_WRAPPER = 'MultiResolutionDataset'
PLACE = 'OpenDataset'


def load_config(
    path: str | Path, options: Mapping[str, Any] | None = None
) -> Config:
    """Read a config as every tool of this package does.

    ``holdout``, where the config has it, takes images away from the training
    set, see :func:`mmc2f.datasets.hold_out`.

    Args:
        path: Config file.
        options: Of ``--cfg-options``: values by dotted name. They go before
            the file, and an option for a field before what
            :func:`complete_config` would write there.

    Returns:
        What MMEngine's runner takes.

    Raises:
        UntrustedFileError: A YAML file asks for more than plain values. A
            ``.py`` file is a program in any case.
        OSError: There is no such file, or a base of it is missing.
        ValueError: The file is no config, an option is of a field that there
            cannot be, a count or a rate is none, or a name is almost one
            that is read; says which.
    """
    cfg = _read(path)
    _merge(cfg, options)
    check_names(cfg, (*FIELDS, *RERANKING))
    check_values(cfg)
    complete_config(cfg)
    if options and DAMAGE in options:
        apply_damage_limit(cfg, replaces=True)
    _merge(cfg, options)
    # Last: options for the training set mean the set itself.
    apply_holdout(cfg)
    return cfg


def _read(path: str | Path) -> Config:
    try:
        return Config.fromfile(path)
    except UntrustedFileError as error:
        raise UntrustedFileError(f'config {path}: {error}') from error
    except OSError:
        raise
    # A config is a program, and a YAML file any text.
    except Exception as error:
        reason = ' '.join(str(error).split())
        raise ValueError(
            f'config {path} cannot be read: {type(error).__name__}: {reason}'
        ) from error


def _merge(cfg: Config, options: Mapping[str, Any] | None) -> None:
    try:
        cfg.merge_from_dict(dict(options or {}))
    # Of a field below one that has none, or in a list that is shorter.
    except (KeyError, TypeError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(
            f'the options cannot be set in the config: {reason}'
        ) from error


def complete_config(cfg: Config) -> None:
    """Write the facts at the top of a config where they belong.

    MMEngine evaluates a base before the config that inherits from it, so a
    value that a base computes from ``num_classes`` would not follow a child
    that changes it. So the shipped configs compute nothing, and this does it
    once the config is whole:

    - A name of ``FIELDS`` or ``RERANKING`` that stands at the top is written
      to its field, where the part takes it.
    - ``rerank`` replaces the post-processor of the re-ranking: ``'auto'`` or
      a file for its ``params``, or a dict of its arguments; ``whiten`` is
      that of the gallery. ``cascade`` adds a
      :class:`~mmc2f.engine.CascadeHook` with that threshold.
    - ``train_data``, ``test_data`` (for validation too, unless there is a
      ``val_data``) and ``data_root`` fill in the data sets of the loaders,
      ``views`` and ``taxonomy`` those of
      :class:`~mmc2f.datasets.MultiResolutionDataset`. What a loader says
      itself is kept.
    - ``taxonomy`` becomes the tree of the metrics that take one and have
      none, and of a hierarchical head.
    - ``max_damaged_images`` says how many damaged images a training passes
      over, see :func:`~mmc2f.apis.damage_limit.apply_damage_limit`.
    - A :class:`~mmc2f.datasets.PKSampler` fills the loader's batches, and no
      top-k accuracy is asked of more classes than there are.

    Args:
        cfg: Full config, changed in place. Doing it twice changes nothing.

    Raises:
        ValueError: ``stage_epochs`` for a training without stages, or of
            other lengths, or ``max_epochs`` for one with other stages.
    """
    for name, field in FIELDS.items():
        if cfg.get(name) is not None:
            _write(cfg, field, cfg[name])
    _check_stage_epochs(cfg)
    _check_max_epochs(cfg)
    if cfg.get('max_epochs') is not None:
        # As stage_epochs, it is meant as it is said.
        _write(cfg, f'train_cfg.stages.{STAGE}.min_iters', 0)
    for name in LOADERS:
        _complete_loader(cfg, name)
    apply_damage_limit(cfg)
    _complete_model(cfg)
    _complete_reranking(cfg)
    _complete_cascade(cfg)
    for name in EVALUATORS:
        _complete_evaluators(cfg, name)


def _write(cfg: Config, field: str, value: Any) -> None:
    """Set a dotted field, unless the config has no part that takes it."""
    *parts, last = field.split('.')
    part = cfg
    for name in parts:
        part = part.get(name)
        if not isinstance(part, Mapping):
            return
    takers = TAKERS.get(parts[0])
    if takers and len(parts) == 1 and type_name(part) not in takers:
        return
    if parts[0] == 'train_dataloader' and _has_whole_sampler(cfg):
        return
    part[last] = value


def _check_stage_epochs(cfg: Config) -> None:
    """Refuse stage_epochs that the training would not follow."""
    asked, loop = cfg.get('stage_epochs'), cfg.get('train_cfg')
    if asked is None or not loop or type_name(loop) in TAKERS['train_cfg']:
        return
    written_out = [
        [stage.get('epochs') for stage in hook.stages]
        for hook in cfg.get('custom_hooks') or []
        if type_name(hook) == 'TrainingStageHook'
    ]
    if list(asked) not in written_out:
        raise ValueError(
            f'stage_epochs {tuple(asked)} would be ignored: train_cfg is no '
            'mmc2f.StagedTrainLoop, and no TrainingStageHook has stages of '
            'these lengths'
        )


def _check_max_epochs(cfg: Config) -> None:
    """Refuse max_epochs that the training would not follow."""
    asked, loop = cfg.get('max_epochs'), cfg.get('train_cfg')
    if asked is None or not loop:
        return
    if type_name(loop) not in TAKERS['train_cfg']:
        if loop.get('max_epochs') not in (None, asked):
            raise ValueError(
                f'max_epochs {asked} would be ignored: train_cfg.max_epochs '
                f'is {loop.max_epochs}; change that'
            )
        return
    stages = loop.get('stages') or {}
    if not isinstance(stages, Mapping) or STAGE not in stages:
        names = list(stages if isinstance(stages, Mapping) else ())
        raise ValueError(
            f'max_epochs {asked} would be ignored: it is that of a stage '
            f'{STAGE!r}, which the training has not; its stages are '
            f'{", ".join(names) or "a list"}: give stage_epochs, with the '
            'epochs of each'
        )
    if loop.get('stage_epochs') is not None:
        raise ValueError(
            f'max_epochs {asked} would be ignored, since stage_epochs says '
            'how long each stage is: leave one of them out'
        )


def _has_whole_sampler(cfg: Config) -> bool:
    """Whether P x K stands in the config, and so the batch size."""
    sampler = cfg.train_dataloader.get('sampler') or {}
    return sampler.get('num_classes_per_batch') is not None


def _complete_loader(cfg: Config, name: str) -> None:
    loader: ConfigDict | None = cfg.get(f'{name}_dataloader')
    if not loader:
        return
    sampler = loader.get('sampler') or ConfigDict()
    is_open = sampler.get('num_classes_per_batch') is None
    if type_name(sampler) == 'PKSampler' and is_open:
        sampler.batch_size = loader.batch_size
    dataset = loader.get('dataset')
    if not isinstance(dataset, ConfigDict):
        return
    data = cfg.get(f'{name}_data')
    if data is None and name == 'val':
        data = cfg.get('test_data')
    if type_name(dataset) == VIEWS_WRAPPER:
        for key, fact in (('tree', 'taxonomy'), ('views', 'views')):
            if dataset.get(key) is None and cfg.get(fact) is not None:
                dataset[key] = cfg[fact]
        dataset.setdefault('dataset', {})
        dataset = dataset.dataset
    if data is None:
        data = {}
    elif type_name(dataset) == PLACE:
        dataset.type = data.type
    elif 'type' in dataset and dataset.type != data.get('type'):
        # Another data set, which says itself what it needs.
        return
    for key, value in data.items():
        dataset.setdefault(key, value)
    if data and cfg.get('data_root') is not None:
        dataset.setdefault('data_root', cfg.data_root)


def _complete_model(cfg: Config) -> None:
    model = cfg.get('model')
    if not model:
        return
    if cfg.get('data_preprocessor') is not None:
        # As the runner does, for whoever builds the model alone.
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    head = model.get('head') or {}
    needs_tree = type_name(head) == 'HierarchicalHead' and 'tree' not in head
    if needs_tree and cfg.get('tree') is None and cfg.get('taxonomy'):
        model.tree = cfg.taxonomy


def _complete_reranking(cfg: Config) -> None:
    given = {k: cfg[k] for k in RERANKING if cfg.get(k) is not None}
    rerank, whiten = cfg.get('rerank'), cfg.get('whiten')
    for hook in cfg.get('custom_hooks') or []:
        if type_name(hook) != 'ReRankHook':
            continue
        if given or rerank is not None:
            hook.setdefault(
                'post_processor', dict(type='mmc2f.ReRankPostProcessor')
            )
        if rerank is not None:
            # Another rule, for which the base's parameters mean nothing.
            if isinstance(rerank, str):
                rerank = dict(params=rerank)
            kind = hook.post_processor.type
            hook.post_processor = dict(type=kind, **rerank)
        if given:
            hook.post_processor.update(given)
        said = given or whiten is not None
        if said and hook.post_processor.get('params') == 'if_tuned':
            # What the config says itself is not for a file to replace.
            del hook.post_processor['params']
        if whiten is not None:
            hook.setdefault('gallery', dict(type='mmc2f.Gallery'))
            hook.gallery.whiten = whiten


def _complete_cascade(cfg: Config) -> None:
    if cfg.get('cascade') is None:
        return
    hooks = list(cfg.get('custom_hooks') or [])
    hook = next((h for h in hooks if type_name(h) == 'CascadeHook'), None)
    if hook is None:
        hook = ConfigDict(type='mmc2f.CascadeHook')
        cfg.custom_hooks = [*hooks, hook]
        hook = cfg.custom_hooks[-1]
    hook.threshold = cfg.cascade


def _complete_evaluators(cfg: Config, name: str) -> None:
    evaluators = cfg.get(name) or []
    if isinstance(evaluators, Mapping):
        evaluators = [evaluators]
    for evaluator in evaluators:
        kind = type_name(evaluator)
        if kind in WITH_TAXONOMY and cfg.get('taxonomy') is not None:
            evaluator.setdefault('tree', cfg.taxonomy)
        if kind == 'Accuracy' and cfg.get('num_classes'):
            topk = evaluator.get('topk', 1)
            if not isinstance(topk, int):
                evaluator.topk = tuple(k for k in topk if k <= cfg.num_classes)
