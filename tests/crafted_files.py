"""Files that would leave a marker, were code from them run."""

from collections.abc import Mapping
from pathlib import Path

import torch


class Payload:
    """Pickled, it is a program that makes the file ``marker``."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return exec, (f'open({str(self.marker)!r}, "w").close()',)


def write_crafted(
    path: Path,
    marker: Path,
    weights: Mapping[str, torch.Tensor] | None = None,
    legacy: bool = False,
) -> Path:
    """A checkpoint with good weights and a program.

    Args:
        path: Where to write it.
        marker: What the program makes.
        weights: State dict, so that nothing but the program is amiss.
        legacy: In the format of before PyTorch 1.6.
    """
    meta = dict(epoch=1, iter=1, hook=Payload(marker))
    content = dict(state_dict=dict(weights or {}), meta=meta, message_hub={})
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path
