"""A host that vanishes in the middle of a transaction: its locks are released and its connections given up soon."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from config.postgres import SUPERUSER, Server
from jobs import database
from jobs.postgresql import lending
from jobs.postgresql.reserving import reserved
from tests.jobs.cluster import ROOT, own_server, wait_until

SPACE, OUTSIDE, INSIDE = "stepwell-host", "stepwell-out", "stepwell-in"
HERE, THERE = "10.211.47.1", "10.211.47.2"
RESUMED_SECONDS = 30.0
# What product code of a worker does: a row is written, and then the host is gone before it can commit.
HOLD = """
import django, sys, time
django.setup()
from django.db import connection, transaction
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("LOCK TABLE jobs_run")
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.mark.django_db(transaction=True)
def test_the_engines_sessions_do_not_idle_inside_transactions() -> None:
    lending.begin()
    try:
        with database.connect() as ours, reserved(), connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("10s",)
            assert ours.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("10s",)
    finally:
        lending.end()
    with connection.cursor() as cursor:
        # Product code may take its time.
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("0",)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def other_host() -> Iterator[None]:
    """A second host on this machine, with a wire to it that can be cut."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("A host of our own needs root and the program ip")
    try:
        ip("netns", "add", SPACE)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"This machine lets nobody make network namespaces: {error.stderr.decode().strip()}")
    try:
        ip("link", "add", OUTSIDE, "type", "veth", "peer", "name", INSIDE, "netns", SPACE)
        ip("addr", "add", f"{HERE}/30", "dev", OUTSIDE)
        ip("link", "set", OUTSIDE, "up")
        ip("-n", SPACE, "addr", "add", f"{THERE}/30", "dev", INSIDE)
        ip("-n", SPACE, "link", "set", INSIDE, "up")
        yield
    finally:
        ip("netns", "del", SPACE)


@pytest.fixture
def reachable() -> Iterator[Server]:
    """A PostgreSQL of our own that the other host can reach."""
    with own_server() as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f"ALTER SYSTEM SET listen_addresses TO '{HERE}'")
        with (server.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {THERE}/32 trust\n")
        server.restart()
        yield server


def test_the_locks_of_a_vanished_host_are_released_within_30_seconds(other_host: None, reachable: Server) -> None:
    environment: dict[str, Any] = os.environ | {
        "DATABASE_URL": f"postgresql://{SUPERUSER}@{HERE}:5432/stepwell",
        "DJANGO_SETTINGS_MODULE": "tests.settings_cluster",
    }
    command = ["ip", "netns", "exec", SPACE, sys.executable, "-c", HOLD]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            ip("link", "set", OUTSIDE, "down")
            begun = time.monotonic()
            with psycopg.connect(reachable.url(), autocommit=True) as observer:
                held = "SELECT 1 FROM pg_locks WHERE relation = 'jobs_run'::regclass"
                wait_until(lambda: not observer.execute(held).fetchall(), 60, "the locks released")
            assert time.monotonic() - begun <= RESUMED_SECONDS
        finally:
            process.kill()
