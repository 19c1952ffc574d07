"""Shares a gallery out among processes and compares what it finds.

Usage: sharded_gallery_ranks.py FOLDER, by each process. The folder holds
``plain.safetensors``; ``shared.safetensors`` is written there.
"""

import sys
from pathlib import Path

import torch

from mmc2f.engine import start_process_group
from mmc2f.retrieval import Gallery, ShardedGallery


def main(folder: Path) -> None:
    start_process_group('pytorch', timeout=120)
    rank = torch.distributed.get_rank()
    plain = Gallery.load(folder / 'plain.safetensors')
    shared = ShardedGallery.load(folder / 'plain.safetensors', index='Flat')
    assert 0 < len(shared._index.rows) < len(plain)
    shared.save(folder / 'shared.safetensors')
    again = ShardedGallery.load(folder / 'shared.safetensors')
    # Another number of queries in each process.
    queries = plain.embeddings[rank : 4 + 3 * rank]
    for gallery in (shared, again):
        for topm in (1, 9, len(plain)):
            found = gallery.search(queries, topm)
            wanted = plain.search(queries, topm)
            assert found.indices.equal(wanted.indices)
            torch.testing.assert_close(found.similarities, wanted.similarities)
        torch.testing.assert_close(
            gallery.class_similarities(queries),
            plain.class_similarities(queries),
        )
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main(Path(sys.argv[1]))
