"""Boxes and parts of a few pictures that do not exist, as CUB lists them."""

from pathlib import Path

FILES = {
    'images.txt': (
        '1 001.Ant_bird/a_1.jpg\n'
        '2 001.Ant_bird/a_2.jpg\n'
        '\n'
        '7 002.Bee_eater/b_1.jpg\n'
    ),
    'bounding_boxes.txt': (
        '1 20.0 10.0 100.0 50.0\n2 0.0 0.0 40.0 40.0\n7 8.5 4.0 16.0 32.0\n'
    ),
    'parts/parts.txt': '1 beak\n2 left eye\n3 tail\n',
    'parts/part_locs.txt': (
        '1 1 30.0 20.0 1\n'
        '1 2 36.0 24.0 1\n'
        '1 3 0.0 0.0 0\n'
        '2 1 10.0 12.5 1\n'
        '2 2 0.0 0.0 0\n'
        '2 3 30.0 35.0 1\n'
        '7 1 0.0 0.0 0\n'
        '7 2 0.0 0.0 0\n'
        '7 3 0.0 0.0 0\n'
    ),
}


def write_cub(folder: Path, **changes: str | None) -> Path:
    """Write the lists; the pictures themselves are not needed.

    Args:
        folder: Where to.
        **changes: Other text of a file, by its name without suffix. ``None``
            leaves it away.
    """
    for name, text in FILES.items():
        text = changes.get(Path(name).stem, text)
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding='utf-8')
    return folder
