"""What every answer of the site has in common: headers, limits, log lines."""

import logging

import pytest
from django.test import Client, override_settings

from config.logs import LineFormatter


def test_every_answer_carries_the_strict_content_policy() -> None:
    policy = Client().get("/favicon.ico").headers["Content-Security-Policy"]
    rules = {rule.split(" ", 1)[0]: rule.split(" ", 1)[1] for rule in policy.split("; ")}
    assert rules == {
        "default-src": "'self'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
    }


def test_a_stranger_is_led_to_the_login() -> None:
    answer = Client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/?next=/")


@override_settings(REQUEST_LIMIT=1024 * 1024)
@pytest.mark.parametrize(("path", "kind"), [("/login/", "text/plain"), ("/e/some-key", "application/json")])
def test_a_request_over_the_limit_is_refused_in_words(path: str, kind: str) -> None:
    answer = Client().post(path, data=b"x" * (1024 * 1024 + 1), content_type="application/octet-stream")
    assert answer.status_code == 413
    assert answer.headers["Content-Type"].startswith(kind)
    assert "larger than 1 MB" in answer.content.decode()


def test_static_files_are_served_without_being_collected() -> None:
    answer = Client().get("/static/admin/css/base.css")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Not Found: /e/Zm9vYmFy?x=1", "Not Found: /e/•••?x=1"),
        ("POST /e/Zm9vYmFy HTTP/1.1", "POST /e/••• HTTP/1.1"),
        ("Authorization: Bearer sk_live_1", "Authorization: Bearer •••"),
        ("GET /x?key=abc&page=2", "GET /x?key=•••&page=2"),
        ("postgresql://user:pass@host/name", "postgresql://user:•••@host/name"),
        (
            "GET /clients/invitation/Nw/d9k2x1-0123456789abcdef0123456789abcdef/ HTTP/1.1",
            "GET /clients/invitation/Nw/•••/ HTTP/1.1",
        ),
        ("two\nlines", "two\\nlines"),
    ],
)
def test_a_log_line_is_one_line_without_secrets(message: str, shown: str) -> None:
    record = logging.LogRecord("stepwell", logging.INFO, __file__, 1, message, None, None)
    assert LineFormatter().format(record).endswith(f"INFO stepwell: {shown}")
