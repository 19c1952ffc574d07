"""Where a case is tried: a process, a folder, and good files to spoil."""

import os
import shutil
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

import torch
from crafted_files import write_crafted
from safetensors import safe_open
from safetensors.torch import load_file
from tool_helpers import load_tool

from corpus.case import Case, Outcome
from corpus.world import World
from mmc2f.apis.command_line import run_tool
from mmc2f.files.safetensors_file import write_tensors

__all__ = ['Bench', 'Trial', 'save_time', 'try_cases']

SECONDS = 1800
_TOOLS = (
    *('train', 'test', 'tune_rerank', 'calibrate_levels', 'ablate'),
    *('build_hierarchy', 'draw_predictions', 'results_table'),
    *('search_resolution', 'model_converters/export_backbone'),
)
# Read once, as each process is a fork.
TOOLS = {name: load_tool(f'{name}.py') for name in _TOOLS}


def save_time() -> None:
    """Leave out what takes long and is of no matter here.

    That is the layout of the configs that are written, and to ask in each
    process for the versions of the machine.
    """
    from mmengine.runner import runner
    from yapf.yapflib import yapf_api

    yapf_api.FormatCode = lambda text, **_: (text, True)
    versions = runner.collect_env()
    runner.collect_env = lambda: dict(versions)


class Bench:
    """What the function of a case works with.

    Args:
        world: Good files, which are not to be changed.
        folder: For the files of this case, the working directory.

    Attributes:
        marker: What the code of crafted files makes.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.marker = folder / 'executed'
        self.entry = folder / 'entry.txt'

    def tool(self, name: str, *args: object) -> None:
        """Run ``tools/NAME.py`` as its file does when it is started."""
        self.entry.write_text(f'{Path(name).name}.py')
        sys.argv = [f'tools/{name}.py', *map(str, args)]
        run_tool(lambda: TOOLS[name].main(sys.argv[1:]))

    def api(self, name: str, call: Callable[[], Any]) -> None:
        """Call a function in a program, and print what it returns."""
        self.entry.write_text(name)
        run_tool(lambda: print(call()))

    def train(self, *args: object, config: object = None) -> None:
        """Train a few iterations; options of the config as ``a.b=c``."""
        options = [a for a in args if '=' in str(a)]
        others = [a for a in args if '=' not in str(a)]
        self.tool(
            *('train', config or self.world.config, *others),
            *('--work-dir', self.folder / 'work', '--no-validate'),
            *('--cfg-options', *options, 'log_level=INFO'),
        )

    def test(
        self, checkpoint: object, *args: object, config: object = None
    ) -> None:
        """Test; without re-ranking where no gallery is named."""
        options = [a for a in args if '=' in str(a)]
        others = [a for a in args if '=' not in str(a)]
        if not {'--gallery', '--rerank'} & set(others):
            others.append('--no-rerank')
        self.tool(
            *('test', config or self.world.config, checkpoint, *others),
            *('--work-dir', self.folder / 'work'),
            *('--cfg-options', *options, 'log_level=INFO'),
        )

    def infer(self, inputs: Any = None, **kwargs: Any) -> None:
        """Ask the inferencer, by default for an image of the test."""
        from mmc2f import C2FInferencer

        kwargs = dict(pretrained=self.world.checkpoint) | kwargs
        if inputs is None:
            inputs = str(self.world.image())

        def call() -> list:
            return C2FInferencer(str(self.world.config), **kwargs)(inputs)

        self.api('C2FInferencer', call)

    def write(self, name: str, content: bytes | str) -> Path:
        """A file of this case."""
        path = Path(os.fsdecode(os.fsencode(self.folder / name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    def crafted(self, name: str = 'epoch_4.pth', **kwargs: Any) -> Path:
        """The good weights, with code beside them."""
        weights = torch.load(self.world.checkpoint)['state_dict']
        return write_crafted(
            self.folder / name, self.marker, weights, **kwargs
        )

    def checkpoint(self, change: Callable[[dict], object]) -> Path:
        """The good checkpoint, changed in place by a function."""
        content = torch.load(self.world.checkpoint)
        change(content)
        path = self.folder / 'epoch_4.pth'
        torch.save(content, path)
        return path

    def images(self) -> Path:
        """A copy of the data that a case may spoil."""
        copy = self.folder / 'images'
        return (
            copy if copy.exists() else shutil.copytree(self.world.images, copy)
        )

    def gallery(
        self,
        change: Callable[[dict, dict], object],
        keep_digest: bool = False,
    ) -> Path:
        """The good gallery, with tensors and metadata changed in place."""
        path = self.folder / 'gallery.safetensors'
        tensors = load_file(self.world.gallery)
        with safe_open(self.world.gallery, 'pt') as file:
            metadata = dict(file.metadata())
        digest = metadata['digest']
        change(tensors, metadata)
        write_tensors(path, tensors, metadata)
        if keep_digest:
            from safetensors.torch import save_file

            save_file(tensors, path, metadata | dict(digest=digest))
        return path


class Trial:
    """A case in a process of its own, which has begun.

    Args:
        case, world: See there.
        folder: For its files; must not exist.

    Attributes:
        stream: Its output, a pipe, which no full disk touches.
    """

    def __init__(self, case: Case, world: World, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.case = case
        self._bench = Bench(world, folder)
        self._output = b''
        reader, writer = os.pipe()
        sys.stdout.flush()
        self._process = os.fork()
        if not self._process:
            os.close(reader)
            os._exit(_run(case, self._bench, writer))
        os.close(writer)
        self.stream = reader

    def read(self) -> bool:
        """Read what there is; whether there is more to come."""
        content = os.read(self.stream, 1 << 16)
        self._output += content
        return bool(content)

    def outcome(self) -> Outcome:
        """What came of it, once all is read."""
        os.close(self.stream)
        _, status = os.waitpid(self._process, 0)
        entry = self._bench.entry
        return Outcome(
            code=os.waitstatus_to_exitcode(status),
            output=self._output.decode(errors='backslashreplace'),
            executed=self._bench.marker.exists(),
            entry=entry.read_text() if entry.exists() else 'none',
        )


def try_cases(
    cases: Iterable[Case], world: World, folder: Path, jobs: int = 1
) -> Iterator[tuple[Case, Outcome]]:
    """Run cases, some at a time, and give them in their order."""
    trials: dict[int, Trial] = {}
    done: dict[int, Outcome] = {}
    left = deque(enumerate(cases))
    order = [case for _, case in left]
    with DefaultSelector() as selector:
        for place, case in enumerate(order):
            while place not in done:
                while left and len(trials) < jobs:
                    number, new = left.popleft()
                    trial = Trial(new, world, folder / f'{number:03}')
                    trials[number] = trial
                    selector.register(trial.stream, EVENT_READ, number)
                for key, _ in selector.select():
                    if not trials[key.data].read():
                        selector.unregister(key.fileobj)
                        done[key.data] = trials.pop(key.data).outcome()
            yield case, done.pop(place)


def _run(case: Case, bench: Bench, writer: int) -> int:
    """Exit code of a case, in its process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.alarm(SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    os.close(writer)
    sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
    os.chdir(bench.folder)
    try:
        case.run(bench)
    except SystemExit as end:
        # As Python ends a program.
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
