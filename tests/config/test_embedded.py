"""The embedded PostgreSQL's life: started once, shared, adopted, repaired, stopped by the last user."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config import accounts, database, locks, programs
from config.postgres import Server

ROOT = Path(__file__).resolve().parents[2]
USE = "import sys; from config import embedded; embedded.ensure_running(); print('up', flush=True); sys.stdin.read()"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")


@pytest.fixture(scope="module")
def private_folder() -> Iterator[Path]:
    """A folder that only we may enter, with a short path."""
    with tempfile.TemporaryDirectory(prefix="sw") as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="module")
def made(private_folder: Path) -> Server:
    """A server whose data exists; no process runs."""
    server = Server(private_folder / "var" / "postgres")
    server.start()
    server.stop()
    return server


@pytest.fixture
def server(made: Server) -> Iterator[Server]:
    made.start()
    yield made
    made.stop()


def pid_of(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def value(server: Server, query: str) -> Any:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        return connection.execute(query).fetchone()[0]


def start_user(server: Server, code: str = USE) -> subprocess.Popen[str]:
    """A process of the project that uses the server until its standard input ends."""
    environment = os.environ | {"POSTGRES_DIR": str(server.data)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, **pipes)


def wait_until(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def test_it_is_a_durable_utf8_server_that_only_we_can_reach(server: Server) -> None:
    assert value(server, "SHOW server_version_num").startswith("18")
    settings = {name: value(server, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "server_encoding")}
    assert settings == {"fsync": "on", "synchronous_commit": "on", "server_encoding": "UTF8"}
    assert value(server, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert value(server, "SELECT upper('straße é')") == "STRASSE É" or value(server, "SELECT upper('é')") == "É"


def test_asking_whether_it_runs_starts_no_program(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", pytest.fail)
    assert server.is_ready()


def test_processes_that_start_it_at_once_share_one_and_the_last_stops_it(made: Server) -> None:
    users = [start_user(made) for _ in range(3)]
    assert [user.stdout.readline() for user in users] == ["up\n"] * 3
    for user in users:
        assert made.is_ready()
        user.communicate("")
    assert not made.is_alive()


def test_a_server_whose_users_were_all_killed_is_adopted_and_stopped_later(made: Server) -> None:
    killed = start_user(made)
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    left = pid_of(made)
    heir = start_user(made)
    heir.stdout.readline()
    assert pid_of(made) == left
    heir.communicate("")
    assert not made.is_alive()


def test_a_forked_child_keeps_it_running_after_its_parent(made: Server) -> None:
    forking = USE.replace("print(", "import os, time; os.fork() or time.sleep(1.5); print(", 1)
    parent = start_user(made, forking.replace("sys.stdin.read()", "None"))
    assert parent.stdout.readline() == "up\n"
    parent.wait(5)
    assert made.is_ready()
    wait_until(lambda: not made.is_alive())
    parent.communicate()


def test_what_was_committed_survives_a_killed_server(server: Server) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    os.kill(pid_of(server), signal.SIGKILL)
    wait_until(lambda: not server.is_alive())
    server.start()
    assert value(server, "SELECT number FROM kept") == 42


def test_a_process_id_that_now_belongs_to_another_program_does_not_prevent_the_start(server: Server) -> None:
    old = (server.data / "postmaster.pid").read_text()
    os.kill(pid_of(server), signal.SIGKILL)
    wait_until(lambda: not server.is_alive())
    other = subprocess.Popen(["sleep", "60"], **server.account.popen_options())
    try:
        (server.data / "postmaster.pid").write_text(old.replace(old.split()[0], str(other.pid), 1))
        assert not server.is_alive()
        server.start()
        assert value(server, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_restart_gives_a_new_server_with_the_same_data(server: Server) -> None:
    before = pid_of(server)
    server.restart()
    assert pid_of(server) != before
    assert value(server, "SELECT current_database()") == "stepwell"


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(private_folder: Path) -> None:
    server = Server(private_folder / ("long" * 25) / "postgres")
    leftover = server.data.with_name("postgres.new")
    leftover.mkdir(parents=True)  # of a start that was killed half-way
    (leftover / "PG_VERSION").write_text("18")
    server.start()
    try:
        assert value(server, "SELECT 1") == 1
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        assert server.socket_folder != server.data
    finally:
        server.stop()
    assert not server.socket_folder.exists()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious.txt").write_text("mine")
    with pytest.raises(SystemExit, match="holds no PostgreSQL data"):
        Server(tmp_path / "data").start()
    assert (tmp_path / "data" / "precious.txt").read_text() == "mine"


@as_root
def test_below_a_private_folder_it_runs_without_privileges_and_opens_nothing(
    private_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = programs.packaged_install().parent
    for source in (package / programs.INSTALL, package.with_name(f"{package.name}.libs")):
        target = private_folder / "site" / source.relative_to(package.parent)
        subprocess.run(["cp", "-r", f"{source}/.", str(_made(target))], check=True)
    with tempfile.TemporaryDirectory() as copies:
        os.chmod(copies, 0o755)
        monkeypatch.setattr(programs, "reachable_copy", lambda found: accounts.reachable_copy(found, Path(copies)))
        server = Server(
            private_folder / "inner" / "postgres", private_folder / "site" / package.name / programs.INSTALL
        )
        server.start()
        process = psutil.Process(pid_of(server))
        assert process.uids().effective != 0
        assert "CapEff:\t0000000000000000" in Path(f"/proc/{process.pid}/status").read_text()
        assert process.exe().startswith(copies)
        assert value(server, "SELECT 1") == 1
        server.stop()
    assert stat.S_IMODE(private_folder.stat().st_mode) == 0o700


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def run_manage(server: Server, *arguments: str, **more: str) -> str:
    environment = os.environ | {"POSTGRES_DIR": str(server.data), "DJANGO_SETTINGS_MODULE": "config.settings"} | more
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", ["check", "makemigrations --check --dry-run", "help", "migrate --help"])
def test_commands_that_need_no_database_do_not_start_it(tmp_path: Path, command: str) -> None:
    output = run_manage(Server(tmp_path / "postgres"), *command.split())
    assert "Traceback" not in output
    assert "Warning" not in output
    assert not (tmp_path / "postgres").exists()


def test_a_command_that_needs_the_database_starts_and_stops_it(made: Server) -> None:
    code = "from django.db import connection as c; print(c.cursor().execute('SELECT 6 * 7').fetchone())"
    assert "(42,)" in run_manage(made, "shell", "-v", "0", "-c", code)
    assert not made.is_alive()


def test_a_database_url_in_the_env_file_keeps_it_from_starting(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://u@127.0.0.1:1/name\n")
    code = "from django.db import connection; print(connection.settings_dict['PORT'])"
    server = Server(tmp_path / "postgres")
    assert run_manage(server, "shell", "-v", "0", "-c", code, ENV_FILE=f"{tmp_path}/.env") == "1\n"
    assert not server.data.exists()


def test_no_other_user_can_open_the_lock_of_a_start(tmp_path: Path) -> None:
    path = tmp_path / "postgres.starting"
    path.touch(0o644)
    with locks.open_lock(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with locks.open_lock(tmp_path / "fresh"):
        assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o600


def test_a_lock_that_another_process_keeps_is_named_instead_of_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "postgres.starting"
    with path.open("w") as kept, locks.open_lock(path) as wanted:
        fcntl.flock(kept, fcntl.LOCK_EX)
        with pytest.raises(locks.EmbeddedError, match=r"has kept .*postgres.starting locked for 0.1 s"):
            locks.take(wanted, patience=0.1)
        fcntl.flock(kept, fcntl.LOCK_UN)
        locks.take(wanted, patience=0.1)


def test_a_folder_with_blanks_and_signs_in_its_name_works() -> None:
    with tempfile.TemporaryDirectory(prefix="s w&?") as folder:
        server = Server(Path(folder).resolve() / "my var" / "postgres")
        server.start()
        try:
            assert value(server, "SELECT 1") == 1
            assert database.parse_url(server.url())["HOST"] == str(server.socket_folder)
        finally:
            server.stop()
