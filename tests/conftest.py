"""The ground for every test: a real PostgreSQL, real connections, a real browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import sql

from config import embedded

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
CHROMIUM_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
]


CLUSTERS = (
    "test_crashes",
    "test_signals",
    "test_database_restart",
    "test_races",
    "test_io_wait",
    "test_clusters_of_waits",
    "test_flow_control",
    "test_two_clocks",
    "test_sync_crashes",
    "test_enhance_clusters",
    "test_import_crashes",
    "test_clusters",
    "test_ordinary_code",
    "test_stalls",
    "test_vanished_hosts",
    "test_campaign",
)
"""Tests that mostly wait for real clusters; with two processes they run one after the other, beside all others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that would disturb each other to one worker, and leave the browser's event loop for the end."""
    for item in items:
        if item.path.stem in CLUSTERS:
            item.add_marker(pytest.mark.xdist_group("clusters"))
        else:
            item.add_marker(pytest.mark.xdist_group("others"))
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Start the test server before Django makes the test database, and clear what killed sessions left."""
    # Whatever has connected before did so to the site's own database, and a pool would go on handing that out.
    connections[DEFAULT_DB_ALIAS].close()
    connections[DEFAULT_DB_ALIAS].close_pool()
    if not os.environ.get("DATABASE_URL"):
        server = embedded.ensure_running()
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            _drop_abandoned_databases(connection)


def _drop_abandoned_databases(connection: psycopg.Connection[Any]) -> None:
    ours = "SELECT datname FROM pg_database WHERE datname ~ '^test_stepwell_[0-9]+(_gw[0-9]+)?$'"
    rows = connection.execute(ours).fetchall()
    for (name,) in rows:
        try:
            os.kill(int(name.split("_")[2]), 0)
        except ProcessLookupError:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        except PermissionError:
            continue


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The test database as a DATABASE_URL, for subprocesses and connections of a test's own."""
    from django.db import connection

    values = connection.settings_dict
    if given := os.environ.get("TEST_DATABASE_URL"):
        return urlsplit(given)._replace(path=f"/{values['NAME']}").geturl()
    return embedded.server().url(values["NAME"])


@pytest.fixture
def process_environment(database_url: str) -> dict[str, str]:
    """The environment for a process of the project that shall use the test database."""
    return os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings"}


@pytest.fixture
def second_connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection beside Django's, as another worker would have; each statement commits by itself."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def two_connections(database_url: str) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    """Two real connections with transactions of their own, for races."""
    with psycopg.connect(database_url) as first, psycopg.connect(database_url) as second:
        yield first, second


@pytest.fixture(autouse=True)
def media_folder(tmp_path: Path, settings: Any) -> Path:
    """Uploads of a test go with the test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def chromium_path() -> str | None:
    """CHROMIUM, else an installed browser; None leaves it to Playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return named
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return found or (MAC_CHROME if Path(MAC_CHROME).exists() else None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for the session; its pages come from `page` or `browser.new_context()`."""
    from playwright.sync_api import Error, sync_playwright

    arguments = [*CHROMIUM_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        except Error as error:
            _without_browser(str(error).strip().splitlines()[0])
        yield launched
        launched.close()


def _without_browser(reason: str) -> None:
    words = f"No Chromium to test with (set CHROMIUM, or run `playwright install chromium`): {reason}"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page with no cookies."""
    context = browser.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def pytest_terminal_summary(terminalreporter):
    """Print the figures that tests measured, such as recall and precision, below their results."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    found = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == "figures"]
    if found:
        terminalreporter.section("figures")
        for line in sorted(set(found)):
            terminalreporter.write_line(line)
