"""Checkpoints that no crash can damage."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmengine.fileio import LocalBackend
from mmengine.fileio.backends import (
    backends,
    prefix_to_backends,
    register_backend,
)
from mmengine.hooks import CheckpointHook

from mmc2f.files import write_bytes
from mmc2f.registry import HOOKS

__all__ = ['AtomicCheckpointHook', 'AtomicLocalBackend']

#: File in the work dir that names the latest checkpoint.
LAST = 'last_checkpoint'
#: Saved in the middle of an epoch; there is one at most.
INTERRUPTED = 'interrupted.pth'
BACKEND = 'mmc2f.local'


class AtomicLocalBackend(LocalBackend):
    """MMEngine's back end for local files, which leaves no half of one."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; the file is whole or as it was."""
        write_bytes(filepath, obj)

    def put_text(
        self, obj: str, filepath: str | Path, encoding: str = 'utf-8'
    ) -> None:
        """Write text; the file is whole or as it was."""
        write_bytes(filepath, obj.encode(encoding))


# This module may be imported anew in a test.
register_backend(BACKEND, AtomicLocalBackend, force=BACKEND in backends)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's hook, which leaves a good checkpoint at any time.

    - A checkpoint and the file ``last_checkpoint`` are written aside, synced
      to the disk and renamed. (Where ``out_dir`` is remote, or there are
      ``backend_args``, its back end decides.) So are those of a strategy of
      MMEngine's FlexibleRunner, such as FSDP, but not those that DeepSpeed
      writes by itself.
    - Of ``max_keep_ckpts`` checkpoints, and of ``save_best``, the old one is
      removed when the new one is whole and named by ``last_checkpoint``. So
      the disk must hold one more of them for a moment.

    Args:
        **kwargs: Of MMEngine's hook.

    Attributes:
        saved_iter: Iterations that the latest checkpoint has behind it, None
            before the first of this process.
    """

    saved_iter: int | None = None
    # Of the base, which says no types.
    backend_args: dict[str, Any] | None
    file_backend: Any

    def before_train(self, runner) -> None:
        """Prepare, and remove what a killed training left unfinished."""
        is_local = '://' not in str(self.out_dir or runner.work_dir)
        given = self.backend_args or self.file_client_args
        if is_local and not given:
            self.backend_args = dict(backend=BACKEND)
        super().before_train(runner)
        if is_main_process():
            _remove_parts(runner.work_dir, f'.{LAST}.*.part')
            if is_local:
                _remove_parts(self.out_dir, '.*.part.pth')

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict):
        """As MMEngine's, in another order, and whole files only."""
        outdated = self._keep(runner, step)
        name = self.filename_tmpl.format(step)
        path = self._path(name)
        runner.message_hub.update_info('last_ckpt', path)
        self._save(
            *(runner, name, meta),
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
        )
        self.last_ckpt = path
        for old in outdated:
            self._remove(self.filename_tmpl.format(old))
        self._remove(INTERRUPTED)

    def save_interrupted(self, runner) -> str:
        """Save what a training goes on from, wherever in an epoch it is.

        Nothing is written where that has just been done. The next checkpoint
        replaces it.

        Returns:
            Path of the checkpoint.
        """
        if self.saved_iter == runner.iter:
            return self.last_ckpt
        meta = dict(epoch=runner.epoch, iter=runner.iter)
        self._save(runner, INTERRUPTED, meta)
        return self._path(INTERRUPTED)

    def _keep(self, runner, step: int) -> list[int]:
        """Note a new checkpoint; those that it makes superfluous."""
        if self.max_keep_ckpts <= 0:
            return []
        kept, outdated = self.keep_ckpt_ids, []
        if not kept or kept[-1] != step:
            if len(kept) == self.max_keep_ckpts:
                outdated.append(kept.popleft())
            kept.append(step)
        # All that will be there with the new one. Where a training is killed
        # before it removes the old one, MMEngine does when it is resumed.
        runner.message_hub.update_info('keep_ckpt_ids', [*outdated, *kept])
        return outdated

    def _save(self, runner, name: str, meta: dict, **parts: bool) -> None:
        """Write a checkpoint, and that it is the latest."""
        last = Path(runner.work_dir, LAST)
        try:
            with _local_files_whole():
                runner.save_checkpoint(
                    self.out_dir,
                    name,
                    self.file_client_args,
                    meta=meta,
                    by_epoch=self.by_epoch,
                    backend_args=self.backend_args,
                    **parts,
                    **self.args,
                )
            # Each process may write a part of it.
            barrier()
            if is_main_process():
                write_bytes(last, os.fsencode(self._path(name)))
        except OSError as error:
            good = last.read_text() if last.is_file() else 'none'
            raise OSError(f'{error} (last good checkpoint: {good})') from error
        self.saved_iter = meta['iter']

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        with self._removal_at_the_end(), _local_files_whole():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removal_at_the_end(self) -> Iterator[None]:
        """Remove nothing before all has been written."""
        backend, later = self.file_backend, []
        patient = copy(backend)
        patient.remove = lambda path: later.append((backend.remove, path))
        patient.rmtree = lambda path: later.append((backend.rmtree, path))
        self.file_backend = patient
        try:
            yield
        finally:
            self.file_backend = backend
        for remove, path in later:
            remove(path)

    def _path(self, name: str) -> str:
        return self.file_backend.join_path(self.out_dir, name)

    def _remove(self, name: str) -> None:
        path = self._path(name)
        if not is_main_process():
            return
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
        elif self.file_backend.isdir(path):
            # As deepspeed writes them.
            self.file_backend.rmtree(path)


@contextmanager
def _local_files_whole() -> Iterator[None]:
    """Have what names no back end written by ours.

    A strategy of MMEngine does not pass on the one that it was told.
    """
    before = prefix_to_backends['']
    prefix_to_backends[''] = AtomicLocalBackend
    try:
        yield
    finally:
        prefix_to_backends[''] = before


def _remove_parts(folder: str | Path, pattern: str) -> None:
    """Remove what :func:`~mmc2f.files.written_whole` began and was killed."""
    for path in Path(folder).glob(pattern):
        path.unlink(missing_ok=True)
