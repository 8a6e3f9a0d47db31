"""Where a campaign happens: a throw-away folder, and a server on a small disk of its own where one is allowed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from config.postgres import Server
from config.programs import EmbeddedError

ROOT = Path(__file__).resolve().parents[2]
DISK_MB = 1500
SETTINGS = "bench.campaign.settings"


@dataclass
class Place:
    """The folder, the server, and the ledger beside them."""

    folder: Path
    server: Server
    small_disk: bool
    """Whether the server's data are on a disk that can be filled without hurting anybody else."""

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "ledger"

    @property
    def socket(self) -> Path:
        """The server's socket."""
        return self.server.socket_folder / ".s.PGSQL.5432"

    def connect(self, name: str = "stepwell") -> psycopg.Connection[Any]:
        """Connect past every link, as nobody else does."""
        return psycopg.connect(
            self.server.url(name), autocommit=True, application_name="campaign-observer", connect_timeout=5
        )

    def server_pid(self) -> int:
        """Return the server's main process."""
        return int((self.server.data / "postmaster.pid").read_text().split()[0])

    def server_processes(self) -> list[psutil.Process]:
        """Return all processes of the server."""
        main = psutil.Process(self.server_pid())
        return [main, *main.children(recursive=True)]

    def start_server(self, seconds: float = 60.0) -> None:
        """Start the server, whatever it takes."""
        until = time.monotonic() + seconds
        while True:
            try:
                self.server.start()
                with self.connect() as connection:
                    connection.execute("SELECT 1")
                return
            except (EmbeddedError, psycopg.Error):
                if time.monotonic() > until:
                    raise
                time.sleep(0.3)

    def environment(self, port: int, **more: str) -> dict[str, str]:
        """Return the environment of a process whose way to the server is that port."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("JOBS_", "BENCH_"))}
        return {
            **ours,
            "DATABASE_URL": f"postgresql://stepwell@127.0.0.1:{port}/stepwell",
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(self.folder / "var"),
            "STATIC_FROM_SOURCE": "1",
            "LOG_LEVEL": "INFO",
            "CAMPAIGN_LEDGER": str(self.ledger),
            **more,
        }

    def manage(self, *words: str) -> None:
        """Run a management command, straight to the server."""
        environment = self.environment(0, DATABASE_URL=self.server.url())
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True)


@contextmanager
def place() -> Iterator[Place]:
    """Make a folder with a server that has all tables; end the server and remove the folder afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="campaign-")).resolve()
    folder.chmod(0o711)  # the server's account must reach its data
    disk = folder / "disk"
    disk.mkdir(mode=0o711)
    small = _mount(disk)
    made = Place(folder, Server(disk / "postgres"), small)
    try:
        made.server.start()
        with made.connect() as connection:
            connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        made.server.restart()
        made.manage("migrate", "--verbosity=0")
        with made.connect() as connection:
            connection.execute("CREATE TABLE campaign_effect (run text NOT NULL, step text NOT NULL)")
            connection.execute("CREATE TABLE campaign_row (n bigint NOT NULL)")
        yield made
    finally:
        with suppress(OSError, psutil.Error):
            for process in made.server_processes():
                process.send_signal(signal.SIGCONT)
        made.server.stop(signal.SIGQUIT)
        if small:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _mount(disk: Path) -> bool:
    """Put a small disk there, if this machine lets us."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux") or not shutil.which("mount"):
        return False
    options = ["-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "campaign", str(disk)]
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
