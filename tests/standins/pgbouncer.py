"""A real PgBouncer on loopback in front of the database of the tests; without the program, its tests are skipped."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config import embedded
from config.accounts import account_for

PATH = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")

CONFIGURATION = """\
[databases]
* = host={host} port={port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
"""


@contextmanager
def pgbouncer(values: dict[str, Any], mode: str = "transaction", size: int = 6) -> Iterator[int]:
    """Run a pooler in front of the database of these Django settings; gives its port."""
    if PATH is None:
        words = "There is no pgbouncer on this machine (Debian: apt-get install pgbouncer)."
        if os.environ.get("REQUIRE_PGBOUNCER") == "1":
            pytest.fail(words, pytrace=False)
        pytest.skip(words)
    # It must not be root, and the embedded server's socket is open to its own account only.
    account = account_for(embedded.server().data)
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="sw") as made:
        folder = Path(made)
        password = f"password={values['PASSWORD']}" if values["PASSWORD"] else ""
        filled = CONFIGURATION.format(
            host=values["HOST"] or "127.0.0.1", port=values["PORT"] or 5432, user=values["USER"], password=password,
            listen=port, mode=mode, size=size, folder=folder,
        )  # fmt: skip
        (folder / "pgbouncer.ini").write_text(filled)
        (folder / "pgbouncer.ini").chmod(0o644)
        account.own(folder)
        options: dict[str, Any] = account.popen_options()
        process = subprocess.Popen([PATH, "-q", str(folder / "pgbouncer.ini")], **options)
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, f"pgbouncer has ended with {process.returncode}"
            assert time.monotonic() < until, "pgbouncer takes no connections"
            time.sleep(0.02)
        else:
            return
