"""What README and docs name exists, and their marked examples run."""

import importlib
import re
from pathlib import Path

import pytest

import mmc2f
from mmc2f import registry
from mmc2f.apis import load_config

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').rglob('*.md'))]
COMPONENTS = ROOT / 'docs' / 'components.md'
#: Files and classes that a reader makes are called ``..._mine`` and ``My...``.
OWN_FILE, OWN_CLASS = 'mine', 'My'

EXAMPLES = [
    code
    for page in PAGES
    for code in re.findall(
        r'<!-- runnable -->\n```python\n(.*?)```', page.read_text(), re.DOTALL
    )
]

each_page = pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)


def heading_anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as a forge makes them."""
    headings = re.findall(r'^#+ (.+)$', page.read_text(), re.MULTILINE)
    kept = (re.sub(r'[^\w\- ]', '', heading) for heading in headings)
    return {heading.strip().lower().replace(' ', '-') for heading in kept}


@each_page
def test_links_lead_somewhere(page):
    links = re.findall(r'\]\(([^)\s]+)\)', page.read_text())
    local = [link for link in links if not link.startswith('http')]
    for link in local:
        name, _, anchor = link.partition('#')
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in heading_anchors(target), link


@each_page
def test_paths_exist(page):
    folders = 'configs|tools|requirements|tests|mmc2f'
    pattern = rf'(?<![\w/.-])(?:{folders})/[\w./*-]*[\w*]'
    for path in set(re.findall(pattern, page.read_text())):
        assert OWN_FILE in path or list(ROOT.glob(path)), path


@each_page
def test_names_resolve(page):
    registries = [getattr(registry, name) for name in registry.__all__]
    for name in set(re.findall(r'\bmmc2f\.(\w+)', page.read_text())):
        if name.startswith(OWN_CLASS):
            assert f'class {name}' in page.read_text()
        elif name[0].isupper():
            is_part = any(r.get(f'mmc2f.{name}') for r in registries)
            assert is_part or hasattr(mmc2f, name), name
        else:
            importlib.import_module(f'mmc2f.{name}')


def test_functions_of_the_page_are_all_there_are():
    functional = importlib.import_module('mmc2f.functional')
    section = COMPONENTS.read_text().split('## Pure functions')[1]
    named = re.findall(r'`(\w+)`', section.split('No config')[0])
    assert set(named) == set(functional.__all__)


def test_components_of_the_page_are_all_there_are():
    table = COMPONENTS.read_text().split('## Options')[0]
    named = set(re.findall(r'`mmc2f\.(\w+)`', table))
    registered = set()
    for node in (getattr(registry, name) for name in registry.__all__):
        node.import_from_location()
        registered |= {
            name
            for name, part in node.module_dict.items()
            if part.__module__.startswith('mmc2f.')
        }
    assert registered <= named


@each_page
def test_options_of_tools_exist(page):
    text = page.read_text().replace('\\\n', ' ')
    for line in re.findall(r'^.*tools/\w+\.(?:py|sh).*$', text, re.MULTILINE):
        for tool, rest in re.findall(r'tools/(\w+\.\w+)([^`]*)', line):
            name = re.sub(r'(dist|slurm)_(\w+)\.sh', r'\2.py', tool)
            source = (ROOT / 'tools' / name).read_text()
            # Which they share.
            source += (ROOT / 'mmc2f/apis/command_line.py').read_text()
            for option in re.findall(r'(?<=\s)--[a-z-]+', rest):
                positive = option.replace('--no-', '--')
                assert f"'{option}'" in source or f"'{positive}'" in source, (
                    tool,
                    option,
                )


@each_page
def test_make_targets_exist(page):
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'(?:^|`)make (\w+)', page.read_text(), re.M):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target


@pytest.mark.parametrize('code', EXAMPLES)
def test_marked_examples_run(code):
    exec(compile(code, 'example', 'exec'), {'__name__': '__main__'})


@pytest.mark.parametrize('name', ['ccfr_grocery', 'ccfr_cub', 'ccfr_fonts'])
def test_block_for_own_images_fits_the_configs(name, tmp_path):
    page = (ROOT / 'docs' / 'own_data.md').read_text()
    section = page.split('## By hand')[1]
    block = re.search(r'```python\n(.*?)```', section, re.DOTALL)[1]
    assert "_base_ = 'ccfr_grocery.py'" in block
    mine = tmp_path / 'ccfr_mine.py'
    base = f'{ROOT}/configs/{name}.py'
    mine.write_text(block.replace('ccfr_grocery.py', base))
    cfg = load_config(mine)
    assert cfg.train_dataloader.dataset.type == 'mmc2f.ImageFolder'
    assert cfg.test_dataloader.dataset.split == 'val'
    assert cfg.model.num_classes == cfg.num_classes == 24
    assert cfg.test_evaluator[1].get('tree') is None
