"""`make audit`: what is known of locked versions, and words where nobody could be asked."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from config import audit


class _Database(BaseHTTPRequestHandler):
    """Answers like OSV: one version of Django is known for something."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        bad = {"vulns": [{"id": "PYSEC-2026-1"}]}
        known = [bad if each["package"]["name"] == self.server.bad else {} for each in asked]  # type: ignore[attr-defined]
        body = json.dumps({"results": known}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Database)
    server.bad = ""  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AUDIT_URL", f"http://127.0.0.1:{server.server_port}/v1/querybatch")
    yield server
    server.shutdown()
    server.server_close()


def test_every_locked_version_is_looked_up(database: HTTPServer, capsys: Any) -> None:
    names = {name for name, _ in audit.locked(*audit.LOCKED)}
    assert {"django", "django-q2", "psycopg", "pytest"} <= names
    assert audit.main() == 0
    assert "have known vulnerabilities" in capsys.readouterr().out


def test_a_known_vulnerability_is_named_and_ends_with_1(database: HTTPServer, capsys: Any) -> None:
    database.bad = "django"  # type: ignore[attr-defined]
    assert audit.main() == 1
    told = capsys.readouterr().out
    assert "django 5." in told
    assert "PYSEC-2026-1" in told


def test_a_database_that_cannot_be_asked_is_told_and_ends_with_3(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        monkeypatch.setenv("AUDIT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/")
        assert audit.main() == 3
    assert "Not audited: http://127.0.0.1" in capsys.readouterr().out
