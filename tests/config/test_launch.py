"""`make run` from the outside: it comes up, tells who may log in, stops whole, and fails in one line."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.postgres import Server

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = [sys.executable, "-m", "config.launch"]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sw") as path:
        yield Path(path).resolve()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(folder: Path, port: int, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "MAKELEVEL")}
    places = {"VAR_DIR": str(folder), "POSTGRES_DIR": f"{folder}/postgres", "STATIC_FROM_SOURCE": ""}
    return clean | places | {"PORT": str(port), "DJANGO_SETTINGS_MODULE": "config.settings", "JOBS_WORKERS": "1"} | more


def run_and_stop(given: dict[str, str]) -> tuple[str, float, int]:
    """Start the site, stop it after its greeting as Ctrl-C does: (all it said, seconds to the greeting, exit code)."""
    started = time.monotonic()
    process = subprocess.Popen(
        LAUNCH, cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if "Stop it with" in line or time.monotonic() - started > 60:
            break
    seconds = time.monotonic() - started
    address = f"http://127.0.0.1:{given['PORT']}/login/"
    with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=10) as answer:
        assert answer.status == 200
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=40)
    assert [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    return "".join(said) + rest, seconds, process.returncode


def test_the_site_comes_up_tells_the_password_once_and_stops_whole(folder: Path, free_port: int) -> None:
    given = environment(folder, free_port)
    first, _, code = run_and_stop(given)
    assert code == 0
    assert re.search(r"Log in as admin with the password \S{16} \(shown only this once\)", first)
    assert f"http://127.0.0.1:{free_port}/admin/" in first
    second, seconds, code = run_and_stop(given)
    assert code == 0
    assert "password" not in second
    assert seconds < 10
    assert not Server(folder / "postgres").is_alive()


def fail(command: list[str], given: dict[str, str], cwd: Path = ROOT) -> str:
    """The single line that a failing command leaves."""
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_taken_port_is_one_clear_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = fail(LAUNCH, environment(folder, port))
    assert (
        line
        == f"Stepwell cannot start: port {port} on 127.0.0.1 cannot be used (address already in use); set PORT or HOST."
    )
    assert not (folder / "postgres").exists()


def test_an_unreachable_database_is_one_clear_line_without_the_password(folder: Path, free_port: int) -> None:
    url = "postgresql://user:hidden@127.0.0.1:1/name"
    line = fail(LAUNCH, environment(folder, free_port, DATABASE_URL=url))
    assert line.startswith("Stepwell cannot start: the database in DATABASE_URL cannot be reached: ")
    assert "refused" in line
    assert "hidden" not in line


def test_a_database_of_another_kind_is_one_clear_line(folder: Path, free_port: int) -> None:
    line = fail(LAUNCH, environment(folder, free_port, DATABASE_URL="mysql://u:hidden@h/name"))
    assert line == "Stepwell cannot start: DATABASE_URL must start with postgresql:// (only PostgreSQL is supported)."


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ("exit 1", "it needs Python 3.11 or newer, and here is Python 3.9.2"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "has no venv module"),
    ],
)
def test_an_unfit_python_is_one_clear_line_before_anything_is_installed(folder: Path, answers: str, words: str) -> None:
    (folder / "config").mkdir()
    shutil.copy(ROOT / "config/install.sh", folder / "config")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nif [ "$1" = -V ]; then echo Python 3.9.2; exit; fi\n{answers}\n')
    python.chmod(0o755)
    line = fail(["sh", "config/install.sh", "runtime"], {"PATH": os.environ["PATH"], "PYTHON": str(python)}, folder)
    assert line.startswith("Stepwell cannot be set up: ")
    assert words in line
    assert not (folder / ".venv").exists()


@pytest.mark.django_db
def test_admin_password_decides_over_what_was_there() -> None:
    from django.contrib.auth import authenticate

    from config.launch import ensure_admin

    assert "ADMIN_PASSWORD" in ensure_admin("first-password")
    assert ensure_admin("") == ""
    assert authenticate(username="admin", password="first-password")
    assert ensure_admin("second-password") == ""
    assert authenticate(username="admin", password="second-password")


@pytest.mark.django_db
def test_a_site_with_an_operator_gets_no_second_admin() -> None:
    from django.contrib.auth import get_user_model

    from config.launch import ensure_admin

    get_user_model().objects.create_superuser("olga", password="her own")
    assert ensure_admin("") == ""
    assert not get_user_model().objects.filter(username="admin").exists()
