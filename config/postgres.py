"""One PostgreSQL server on one data folder: make, start, adopt, repair, stop."""

import hashlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from config import programs
from config.accounts import Account, account_for
from config.locks import open_lock, take
from config.programs import EmbeddedError

SUPERUSER = "stepwell"
DATABASE = "stepwell"
PORT = 5432  # only names the socket: the server listens on no network address
LONGEST_SOCKET = 100  # the limit is 103 bytes on macOS, 107 on Linux
START_SECONDS = 60
STOP_SECONDS = 30
LARGEST_LOG = 10 * 1024 * 1024
SOCKET_NAME = f".s.PGSQL.{PORT}"

# fsync and synchronous_commit stay at their default, on: a finished step survives a power cut.
# `ALTER SYSTEM` wins over everything here.
CONFIGURATION = """\
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
wal_level = minimal
max_wal_senders = 0
min_wal_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
jit = off
# Queue tables change all the time: vacuum soon, and do not dawdle.
autovacuum_naptime = 10s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_threshold = 200
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 2000
timezone = 'UTC'
log_timezone = 'UTC'
cluster_name = 'stepwell'
"""


@dataclass(frozen=True)
class Server:
    """One data folder and the server on it."""

    data: Path
    install: Path | None = None  # where PostgreSQL's programs are; the packaged ones by default

    @cached_property
    def account(self) -> Account:
        return account_for(self.data)

    @cached_property
    def socket_folder(self) -> Path:
        """The data folder itself, or a short private folder when that path is too long for a socket."""
        if len(os.fsencode(self.data / SOCKET_NAME)) <= LONGEST_SOCKET:
            return self.data
        # Not tempfile.gettempdir(): every process must find the same place, whatever its TMPDIR says.
        return Path("/tmp") / f"stepwell-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]}"  # noqa: S108

    def is_ready(self) -> bool:
        """Whether the server accepts connections; costs a fraction of a millisecond."""
        status = self._pid_file()
        if len(status) < 8 or status[7].strip() != "ready":
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.socket_folder / SOCKET_NAME))
            except OSError:
                return False
        return True

    def is_alive(self) -> bool:
        """Whether the server's process exists; unlike `is_ready` it asks nothing of the server."""
        return self._live_pid() is not None

    def start(self) -> None:
        """Start the server, make its data first if there is none; safe in several processes at once."""
        with self._locked():
            self._start()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: sessions are ended, everything committed is kept."""
        with self._locked():
            self._stop(how)

    def restart(self) -> None:
        with self._locked():
            self._stop(signal.SIGINT)
            self._start()

    def url(self, name: str = DATABASE) -> str:
        """A DATABASE_URL for other programs."""
        # A folder's name may hold blanks and whatever else means something in an address.
        return f"postgresql://{SUPERUSER}@/{name}?host={quote(str(self.socket_folder))}&port={PORT}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with open_lock(self.data.with_name(f"{self.data.name}.starting")) as lock:
            take(lock)
            yield

    def _start(self) -> None:
        if not self.is_ready():
            self._make_data()
            self._make_socket_folder()
            self._remove_misleading_files()
            self._launch()
            self._create_database()

    def _stop(self, how: signal.Signals) -> None:
        if not (pid := self._live_pid()):
            return
        os.kill(pid, how)
        deadline = time.monotonic() + STOP_SECONDS
        while self._live_pid() == pid:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)
                deadline = float("inf")
            time.sleep(0.02)
        if self.socket_folder != self.data:
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _live_pid(self) -> int | None:
        """The server's process id, if that process exists and is the PostgreSQL of this data folder."""
        try:
            process = psutil.Process(int(self._pid_file()[0]))
            # The id may belong to something else by now, so it is known by where it works, too.
            ours = process.name() == "postgres" and Path(process.cwd()).samefile(self.data)
            return process.pid if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (IndexError, ValueError, psutil.Error, OSError):
            return None

    def _make_data(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        if self.data.exists() and any(self.data.iterdir()):
            raise EmbeddedError(f"{self.data} is not empty and holds no PostgreSQL data; move it away.")
        # Made aside and renamed, so that an interrupted start leaves nothing half.
        fresh = self.data.with_name(f"{self.data.name}.new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        self.account.own(fresh)
        # fmt: off
        self._run("initdb", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C",
                  "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions", folder=fresh)
        # fmt: on
        with (fresh / "postgresql.conf").open("a") as main:
            main.write("include_if_exists = 'stepwell.conf'\n")
        if self.data.exists():
            self.data.rmdir()
        fresh.rename(self.data)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        if folder == self.data:
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        # Anybody may write to the temporary folder, so the name could be taken on purpose.
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), self.account.user):
            raise EmbeddedError(f"{folder} belongs to another user; remove it, or move the project to a shorter path.")
        self.account.own(folder)

    def _remove_misleading_files(self) -> None:
        """Forget a dead server whose process id was given to another program: PostgreSQL would believe it lives.

        An id that nobody has is left in place: PostgreSQL then makes sure that no session of the dead server is left.
        """
        lines = self._pid_file()
        if lines and not self._live_pid() and psutil.pid_exists(int(lines[0])):
            for path in (self.data / "postmaster.pid", self.socket_folder / f"{SOCKET_NAME}.lock"):
                path.unlink(missing_ok=True)

    def _launch(self) -> None:
        configuration = self.data / "stepwell.conf"
        sockets = "." if self.socket_folder == self.data else self.socket_folder
        configuration.write_text(CONFIGURATION.format(port=PORT, sockets=sockets))
        configuration.chmod(0o644)
        log = self.data / "server.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        # A live server that is not ready is starting, recovering from a crash, or about to be gone.
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if not self._live_pid():
                self._run("pg_ctl", "start", "--silent", "--wait", "--log", "server.log", folder=self.data)
            elif time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded PostgreSQL does not answer; see {log}.")
            time.sleep(0.02)

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _run(self, program: str, *arguments: str, folder: Path) -> None:
        programs.run(program, *arguments, folder=folder, account=self.account, install=self.install)
