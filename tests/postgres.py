"""Run the tests that are about SQL on another PostgreSQL than the embedded one: Debian's, in a cluster of their own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from config.accounts import account_for

DEBIAN = Path("/usr/lib/postgresql")
ROOT = Path(__file__).resolve().parent.parent
USER = "stepwell"
ABOUT_SQL = (
    "batches",
    "concurrency",
    "conditions_of_waits",
    "cost_of_limits",
    "debouncing",
    "doubtful_commits",
    "events",
    "idempotency",
    "payloads",
    "poolers",
    "priority_of_limited",
    "races_at_the_gate",
    "races_of_actions",
    "races_of_ends",
    "races_of_flow",
    "races_of_waits",
    "rate_limits",
    "refused_writes",
    "retention",
    "shared_slots",
    "singletons",
    "throttling",
    "transactions",
    "waiting_for_events",
)
"""Modules of tests/jobs without clusters and pages, which a server of another version may answer otherwise."""


def programs() -> Path:
    """Return the folder of the newest of Debian's PostgreSQL, or the one that POSTGRES_BIN names."""
    if named := os.environ.get("POSTGRES_BIN"):
        return Path(named)
    found = sorted(DEBIAN.glob("[0-9]*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        sys.exit(f"There is no PostgreSQL in {DEBIAN}; install Debian's package postgresql, or set POSTGRES_BIN.")
    return found[-1].parent


def main(arguments: list[str]) -> int:
    """Make a cluster, run pytest with these arguments on it, and remove it."""
    bin_, where = programs(), os.environ | {"LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryDirectory(prefix="sw") as made:
        folder, data = Path(made), Path(made) / "data"
        account = account_for(data)
        account.own(folder)
        as_account = {**account.popen_options(), "cwd": folder, "env": where, "check": True}
        # fmt: off
        subprocess.run([bin_ / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync"],
                       stdout=subprocess.DEVNULL, **as_account)
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200 -c fsync=off"
        subprocess.run([bin_ / "pg_ctl", "-D", data, "-w", "-s", "-l", folder / "log", "-o", settings, "start"],
                       **as_account)
        # fmt: on
        try:
            url = f"postgresql://{USER}@/postgres?host={folder}&port=5432"
            command = [
                sys.executable,
                "-m",
                "pytest",
                *(arguments or [f"tests/jobs/test_{name}.py" for name in ABOUT_SQL]),
            ]
            return subprocess.run(command, cwd=ROOT, env=os.environ | {"TEST_DATABASE_URL": url}).returncode
        finally:
            subprocess.run([bin_ / "pg_ctl", "-D", data, "-m", "immediate", "-s", "stop"], **as_account)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
