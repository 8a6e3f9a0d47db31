"""The embedded PostgreSQL: started by whoever needs it first, shared by all, stopped by the last one.

Each process that uses the server holds a shared lock for as long as it lives. The kernel drops the lock of a killed
process, so whoever can take it exclusively at exit knows that nobody else is left, and stops the server.
"""

import atexit
import fcntl
from functools import lru_cache
from pathlib import Path
from typing import IO

from config import env
from config.locks import open_lock, take
from config.postgres import DATABASE, PORT, SUPERUSER, EmbeddedError, Server

__all__ = ["DATABASE", "PORT", "SUPERUSER", "EmbeddedError", "Server", "ensure_running", "release", "server"]

ROOT = Path(__file__).resolve().parent.parent
_held: dict[Path, IO[str]] = {}


def server() -> Server:
    """The server of this process: POSTGRES_DIR, or var/postgres."""
    return _server(env.text("POSTGRES_DIR", "var/postgres"))


@lru_cache
def _server(folder: str) -> Server:
    return Server((ROOT / folder).resolve())


def ensure_running(wanted: Server | None = None) -> Server:
    """Start the server if it is down, and keep it running at least until this process ends."""
    needed = wanted or server()
    if needed.data not in _held:
        _held[needed.data] = _hold(needed)
        atexit.register(release, needed)
    if not needed.is_ready():
        needed.start()
    return needed


def release(used: Server) -> None:
    """Stop using the server; the last user stops it."""
    if not (lock := _held.pop(used.data, None)):
        return
    lock.close()
    # Opened anew: a forked child still shares the old lock, and upgrading that one would ignore the child.
    with open_lock(_users(used)) as last:
        try:
            fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        used.stop()


def _hold(needed: Server) -> IO[str]:
    needed.data.parent.mkdir(parents=True, exist_ok=True)
    lock = open_lock(_users(needed))
    # Waits while the last user of before is stopping the server.
    take(lock, fcntl.LOCK_SH)
    return lock


def _users(used: Server) -> Path:
    return used.data.with_name(f"{used.data.name}.users")
