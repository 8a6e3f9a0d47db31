"""Who runs the embedded PostgreSQL: ourselves, or for root a user without privileges, since PostgreSQL refuses root."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.env import SettingError

KNOWN = ("postgres", "_postgres")
OURS = "stepwell"
COPIES = Path("/var/cache/stepwell")


@dataclass(frozen=True)
class Account:
    """The user and group that own the data and run the server."""

    user: int
    group: int

    @property
    def is_ours(self) -> bool:
        return self.user == os.geteuid()

    def own(self, folder: Path) -> None:
        """Make a folder private to this account."""
        folder.chmod(0o700)
        if not self.is_ours:
            os.chown(folder, self.user, self.group)

    def popen_options(self) -> dict[str, object]:
        """What subprocess needs to become this account."""
        return {} if self.is_ours else {"user": self.user, "group": self.group, "extra_groups": []}


def account_for(data: Path) -> Account:
    """The owner of existing data, else ourselves, else an account that root may use."""
    if data.exists():
        owner = data.stat()
        if owner.st_uid != 0 and os.geteuid() in (0, owner.st_uid):
            return Account(owner.st_uid, owner.st_gid)
        if os.geteuid() != 0:
            raise SettingError(f"{data} belongs to another user; run as that user, or set POSTGRES_DIR elsewhere.")
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    entry = _system_user()
    return Account(entry.pw_uid, entry.pw_gid)


def _system_user() -> pwd.struct_passwd:
    for name in (*KNOWN, OURS):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    if not (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")):
        raise SettingError("PostgreSQL does not run as root; start as a normal user, or set DATABASE_URL.")
    # fmt: off
    subprocess.run(
        [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/bin/false", OURS],
        check=True,
    )
    # fmt: on
    return pwd.getpwnam(OURS)


def open_to_all(path: Path) -> bool:
    """Whether any user can reach and run what is at `path`."""
    return path.stat().st_mode & 0o005 == 0o005 and all(
        parent.stat().st_mode & 0o001 for parent in path.resolve().parents
    )


def reachable_copy(install: Path, below: Path = COPIES) -> Path:
    """Copy PostgreSQL's files to where another user can read them, for a project below a private folder."""
    stamp = f"{install} {(install / 'bin/postgres').stat().st_mtime_ns} {(install / 'bin/postgres').stat().st_size}"
    target = below / hashlib.sha256(stamp.encode()).hexdigest()[:16]
    if target.exists():
        return target / install.parent.name / install.name
    below.mkdir(parents=True, exist_ok=True, mode=0o755)
    with tempfile.TemporaryDirectory(dir=below) as scratch:
        fresh = Path(scratch) / "copy"
        # The programs look for their libraries beside the package, so the copy keeps both in place.
        ignored = shutil.ignore_patterns("*.a", "include")
        shutil.copytree(install, fresh / install.parent.name / install.name, ignore=ignored, symlinks=True)
        libraries = install.parents[1] / f"{install.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(target)
        except OSError:
            if not target.exists():  # else another process was faster, with the same files
                raise
    return target / install.parent.name / install.name
