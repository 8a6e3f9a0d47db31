"""The site's secret key: from the environment, else made once and kept in a private file."""

import os
import secrets
import tempfile
from pathlib import Path

from config import env


def secret_key(path: Path) -> str:
    """SECRET_KEY, or the content of the file, which is written first if it is missing."""
    if given := env.text("SECRET_KEY"):
        return given
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(48))
    try:
        return path.read_text().strip()
    except PermissionError:
        raise env.SettingError(f"{path} belongs to another user; run as that user, or set SECRET_KEY.") from None


def _write_once(path: Path, key: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes the file readable by us alone; the link appears whole, and the first of several processes wins.
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(key)
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
