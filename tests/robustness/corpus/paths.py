"""Paths that do not exist, or cannot be written to."""

from corpus.bench import Bench
from corpus.case import Case
from corpus.faults import without_override


def asked(inputs: str, says: str, name: str) -> Case:
    return Case(name, lambda b: b.infer(inputs), says, refuses=False)


def to_file(option: str, name: str):
    """Writes below a file."""

    def run(bench: Bench) -> None:
        path = bench.write('file', b'')
        bench.test(bench.world.checkpoint, option, path / name)

    return run


def to_read_only(option: str, name: str):
    def run(bench: Bench) -> None:
        folder = read_only(bench)
        bench.test(bench.world.checkpoint, option, folder / name)

    return run


def read_only(bench: Bench):
    folder = bench.folder / 'read_only'
    folder.mkdir()
    folder.chmod(0o555)
    without_override()
    return folder


def work_dir(path_of):
    def run(bench: Bench) -> None:
        bench.tool(
            *('train', bench.world.config, '--work-dir', path_of(bench)),
        )

    return run


def unreadable(bench: Bench) -> None:
    path = bench.write('epoch_4.pth', bench.world.checkpoint.read_bytes())
    path.chmod(0)
    without_override()
    bench.test(path)


def full_device(bench: Bench) -> None:
    bench.test(bench.world.checkpoint, '--out', '/dev/full')


WRITTEN = (
    ('predictions', '--out', 'out.jsonl'),
    ('boxes', '--boxes', 'out.json'),
    ('gallery', '--gallery', 'out.safetensors'),
)
CASES = [
    asked('none.jpg', r'image none\.jpg does not exist', 'image'),
    asked('*.jpg', r'no file is called \*\.jpg', 'pattern'),
    asked('.', r'folder \. has no image', 'folder without images'),
    Case(
        'annotations',
        lambda b: b.test(b.world.checkpoint, '--annotations', 'none'),
        'none',
    ),
    *[
        Case(f'{what} below a file', to_file(option, name), f'/file/{name}')
        for what, option, name in WRITTEN
    ],
    *[
        Case(f'{what}, read-only', to_read_only(option, name), name)
        for what, option, name in WRITTEN
    ],
    Case(
        'work dir below a file',
        work_dir(lambda b: b.write('file', b'') / 'work'),
        '/file/work',
    ),
    Case(
        'work dir that is a file',
        work_dir(lambda b: b.write('file', b'')),
        '/file',
    ),
    Case('work dir, read-only', work_dir(lambda b: read_only(b)), 'read_only'),
    Case('checkpoint, unreadable', unreadable, r'epoch_4\.pth'),
    Case('predictions, full device', full_device, 'No space.*/dev/full'),
]
