"""All stages, the clustering and the gallery on two ranks."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tiny_ccfr import write_images

SCRIPT = Path(__file__).with_name('distributed_training.py')


def test_two_ranks_agree(tmp_path):
    images = write_images(tmp_path / 'images')
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'torch.distributed.run'),
            *('--standalone', '--nproc_per_node', '2'),
            *(SCRIPT, images, tmp_path),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    ranks = [
        json.loads((tmp_path / f'rank_{rank}.json').read_text())
        for rank in range(2)
    ]
    assert ranks[0] == ranks[1]
    assert {'c2f/coarse_top1', 'c2f/rerank_top1'} <= set(ranks[0]['metrics'])
    assert (tmp_path / 'label_tree.json').is_file()
