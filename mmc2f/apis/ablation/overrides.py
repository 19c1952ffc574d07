"""Values of a config that a row of a study changes."""

import hashlib
import json
import re
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from mmc2f.apis.load_config import complete_config

__all__ = [
    'cfg_options',
    'config_digest',
    'flatten',
    'merged_config',
    'training_part',
]

#: Names that the shipped configs give to what only a test looks at.
TEST_ONLY = ('topn', 'topm', 't_sf', 't_sc', 'gate', 'taxonomy')
TEST_PREFIXES = ('test_', 'val_')
TEST_HOOK = 'ReRankHook'
BY_TYPE = re.compile(r'(?P<list>[\w.]+)\[(?P<type>[\w.]+)\]')


def flatten(overrides: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Nested dicts as dotted keys, as ``--cfg-options`` takes them.

    ``dict(model=dict(nms=dict(topk=1)))`` becomes ``{'model.nms.topk': 1}``;
    ``_delete_=True`` stays a key like any other, and MMEngine heeds it.
    """
    flat: dict[str, Any] = {}
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f'{prefix}{key}.'))
        else:
            flat[prefix + key] = value
    return flat


def merged_config(
    config: str | Path,
    overrides: Mapping[str, Any],
    use_environment: bool = True,
) -> tuple[Config, dict[str, Any]]:
    """A config with the overrides in it, as :func:`load_config` reads it.

    The part of a list is named by its type, so that the list may grow:
    ``'custom_hooks[ReRankHook].post_processor.topn'``,
    ``'train_dataloader.dataset.pipeline[CenterCrop].crop_size'``. The scope
    of the type may be left out.

    Args:
        config: File of the config.
        overrides: Nested or dotted.
        use_environment: False leaves ``{{$NAME:default}}`` as it stands, so
            that the config is the same on each machine.

    Returns:
        The config, and the overrides that led to it, dotted, with places in
        lists as numbers.

    Raises:
        ValueError: A list has none or several of the named type, or the
            config has another kind of value there.
    """
    cfg = Config.fromfile(config, use_environment_variables=use_environment)
    dotted = {
        _with_places(key, cfg): value
        for key, value in flatten(overrides).items()
    }
    try:
        cfg.merge_from_dict(dotted)
        complete_config(cfg)
        cfg.merge_from_dict(dotted)
    except (KeyError, TypeError) as error:
        raise ValueError(f'{config}: {error}') from error
    return cfg, dotted


def cfg_options(overrides: Mapping[str, Any]) -> list[str]:
    """The overrides as arguments of ``--cfg-options``.

    Args:
        overrides: Dotted, as :func:`merged_config` returns them.

    Returns:
        ``key=value`` for each; an empty list for none.

    Raises:
        ValueError: The command line would read another value than this.
    """
    texts = []
    for key, value in overrides.items():
        text = f'{key}={value}'.replace(', ', ',')
        if isinstance(value, (list, tuple)):
            text = text.replace("'", '').replace(' ', '')
        if _parsed(text) != {key: value}:
            raise ValueError(
                f'{key} = {value!r} cannot be said on a command line: write a '
                'config that inherits from this one, and name that'
            )
        texts.append(text)
    return texts


def training_part(cfg: Config) -> dict[str, Any]:
    """The config without what cannot change a training.

    So another setting of re-ranking does not ask for another training.
    Unknown names stay in: to train once more is better than to take the
    weights of another config.
    """
    part = {
        name: value
        for name, value in cfg.to_dict().items()
        if name not in TEST_ONLY and not name.startswith(TEST_PREFIXES)
    }
    part['custom_hooks'] = [
        hook
        for hook in part.get('custom_hooks') or []
        if not str(hook['type']).endswith(TEST_HOOK)
    ]
    return part


def config_digest(*parts: Any) -> str:
    """Eight digits that change with any of the values.

    Args:
        *parts: Of a config that was read without the environment, so that
            moving the data changes nothing, and what else decides.
    """
    content = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _with_places(key: str, cfg: Config) -> str:
    """``hooks[Type].x`` as ``hooks.3.x``."""

    def place(match: re.Match) -> str:
        name, wanted = match['list'], match['type']
        found = [
            index
            for index, part in enumerate(_at(cfg, name) or [])
            if wanted in (part['type'], part['type'].rpartition('.')[2])
        ]
        if len(found) != 1:
            raise ValueError(
                f'{cfg.filename}: {name} has {len(found)} parts of the type '
                f'{wanted}, so {key} means none of them'
            )
        return f'{name}.{found[0]}'

    return BY_TYPE.sub(place, key)


def _at(cfg: Config, name: str) -> Any:
    """Value of a dotted name, None where there is none."""
    value = cfg
    for part in name.split('.'):
        value = value.get(part) if hasattr(value, 'get') else None
    return value


def _parsed(text: str) -> dict[str, Any]:
    parser = ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', text]).cfg_options
