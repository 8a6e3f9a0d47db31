"""Lock files: nobody but their user can open them, and nobody waits for them for ever."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from config.programs import EmbeddedError

PATIENCE_SECONDS = 100.0
"""More than a start after a crash and a stop may take together."""


def open_lock(path: Path) -> IO[str]:
    """Open a file to lock it; whoever can read a file can lock it, so no other user may."""
    try:
        lock = open(  # noqa: SIM115 (whoever takes the lock closes it)
            path, "a", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600)
        )
    except PermissionError:
        raise EmbeddedError(f"{path} belongs to another user; run as that user, or set POSTGRES_DIR.") from None
    if os.fstat(lock.fileno()).st_mode & 0o077:
        os.fchmod(lock.fileno(), 0o600)
    return lock


def take(lock: IO[str], kind: int = fcntl.LOCK_EX, *, patience: float = PATIENCE_SECONDS) -> None:
    """Wait for a lock; EmbeddedError says which file another process keeps."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                words = f"another process has kept {lock.name} locked for {patience:g} s; `fuser {lock.name}` names it."
                raise EmbeddedError(words) from None
            time.sleep(0.02)
