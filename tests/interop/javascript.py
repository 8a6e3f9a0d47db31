"""The SDK for JavaScript, installed once from the lock file and kept for later sessions."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LOCKED = ("package.json", "package-lock.json")
PROGRAM = "send.mjs"
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
INSTALL_SECONDS = 300


class NotInstalled(Exception):
    """The SDK for JavaScript cannot be had here."""


def installed(cache: Path) -> Path:
    """Return a folder with the locked packages and the program that sends; NotInstalled says what is missing."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            raise NotInstalled(f"there is no {name}; install Node.js with npm")
    locked = b"".join((HERE / name).read_bytes() for name in LOCKED)
    folder = cache / hashlib.sha256(locked).hexdigest()[:16]
    if not folder.exists():
        _install(folder)
    shutil.copy(HERE / PROGRAM, folder)
    return folder


def _install(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole: a session that was stopped leaves nothing half, and two do not mix.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-", ignore_cleanup_errors=True) as made:
        for name in LOCKED:
            shutil.copy(HERE / name, made)
        try:
            done = subprocess.run(INSTALL, cwd=made, capture_output=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise NotInstalled(f"npm ci took longer than {INSTALL_SECONDS} seconds") from None
        if done.returncode:
            raise NotInstalled(f"npm ci failed: {done.stderr.decode().strip()}")
        _keep(Path(made), folder)


def _keep(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        if not folder.exists():  # else another session was faster
            raise
