"""How worker processes of one host see each other live: a locked file each, which the kernel unlocks at death."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO
from uuid import UUID

from jobs import conf


class Presence:
    """This process's file; the lock lasts exactly as long as the process, whatever kills it."""

    def __init__(self, worker: UUID) -> None:
        self._path = _path(worker)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file: IO[bytes] = self._path.open("wb")
        # A POSIX lock belongs to the process: a child that product code forks does not inherit it.
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def end(self) -> None:
        """Leave in order."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def is_dead(worker: UUID) -> bool:
    """Whether another process of this host has certainly died; one that left no file here is unknown, so no."""
    return _is_locked(worker) is False


def is_alive(worker: UUID) -> bool:
    """Whether another process of this host certainly lives; one that left no file here is unknown, so no."""
    return _is_locked(worker) is True


def _is_locked(worker: UUID) -> bool | None:
    """Whether a process holds the lock on its file; None if there is no file.

    Never to be asked about the process itself: closing any handle of a file drops the process's own lock on it.
    """
    try:
        descriptor = os.open(_path(worker), os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def forget(worker: UUID) -> None:
    """Remove what a dead process left, once its runs are freed: until then its death must stay visible."""
    _path(worker).unlink(missing_ok=True)


def _path(worker: UUID) -> Path:
    return Path(conf.settings().RUN_DIR) / f"{worker}.lock"
