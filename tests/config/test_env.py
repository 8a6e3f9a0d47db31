"""The environment: .env lines, typed values, DATABASE_URL, and what the settings make of them."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import database, env
from config.secret import secret_key

ROOT = Path(__file__).resolve().parents[2]


def settings_value(name: str, **variables: str) -> str:
    """What a fresh process reads for one setting."""
    code = f"from config import settings; print(repr(settings.{name}))"
    clean = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean | variables, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip()


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=exported", "exported"),
        ("A = spaced out ", "spaced out"),
        ("A='single # quoted'", "single # quoted"),
        ('A="double" # comment', "double"),
        ("A=value # comment", "value"),
        ("A=pass#word", "pass#word"),
        ("A=a=b", "a=b"),
        ("A=", ""),
        ("A= # only a comment", ""),
    ],
)
def test_a_line_of_the_env_file_is_read(line: str, value: str) -> None:
    assert list(env.parse_lines(f"# first\n\n{line}\r\n")) == [("A", value)]


def test_a_line_that_is_no_assignment_is_named_by_its_number() -> None:
    with pytest.raises(SystemExit, match=r"line 2 of the \.env file"):
        list(env.parse_lines("A=1\nwhat is this\n"))


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWELL_ONE", "environment")
    monkeypatch.delenv("STEPWELL_TWO", raising=False)
    (tmp_path / ".env").write_text("\ufeffSTEPWELL_ONE=file\nSTEPWELL_TWO=file\n", encoding="utf-8")
    env.load_file(tmp_path / ".env")
    assert (os.environ["STEPWELL_ONE"], os.environ.pop("STEPWELL_TWO")) == ("environment", "file")


@pytest.mark.parametrize(
    ("read", "value", "words"),
    [
        (lambda: env.flag("A"), "perhaps", "true or false"),
        (lambda: env.number("A", 1), "many", "whole number"),
        (lambda: env.number("A", 1, least=1), "0", "least that works is 1"),
        (lambda: env.seconds("A", 1), "nan", "more than 0"),
        (lambda: env.seconds("A", 1), "soon", "write seconds"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, read: Any, value: str, words: str
) -> None:
    monkeypatch.setenv("A", value)
    with pytest.raises(SystemExit, match=words):
        read()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", " ")
    assert (env.text("A", "x"), env.flag("A", default=True), env.number("A", 7), env.words("A", "a, b")) == (
        "x",
        True,
        7,
        ["a", "b"],
    )


def test_a_database_url_is_decoded_part_by_part() -> None:
    parsed = database.parse_url("postgresql://us%40er:p%40ss%2Fw%23@db.example.com:6543/my%20db?sslmode=require")
    assert parsed == {
        "ENGINE": "jobs.postgresql",
        "NAME": "my db",
        "USER": "us@er",
        "PASSWORD": "p@ss/w#",
        "HOST": "db.example.com",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    "url", ["postgres://u@/name?host=/run/pg&port=5433", "postgres://u@%2Frun%2Fpg:5433/name", "postgres:///name"]
)
def test_a_database_url_may_name_a_socket_folder(url: str) -> None:
    parsed = database.parse_url(url)
    assert parsed["NAME"] == "name"
    assert (parsed["HOST"], parsed["PORT"]) == (("", "") if ":///" in url else ("/run/pg", "5433"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://u:hidden@h/name", "only PostgreSQL"),
        ("postgresql://u:hidden@h", "names no database"),
        ("postgresql://u:hid#den@h:5432/name", "percent-encode"),
        ("postgresql://u:hid/den@h:5432/name", "percent-encode"),
        ("postgresql://u:hidden@[h/name", "percent-encode"),
    ],
)
def test_a_database_url_that_cannot_be_used_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(SystemExit, match=words) as caught:
        database.parse_url(url)
    assert "hid" not in str(caught.value)


def test_a_site_url_with_https_makes_cookies_secure_and_trusts_the_origin() -> None:
    https = {"SITE_URL": "https://calls.example.com/"}
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        assert settings_value(name, **https) == "True"
    assert settings_value("CSRF_TRUSTED_ORIGINS", **https) == "['https://calls.example.com']"
    assert "calls.example.com" in settings_value("ALLOWED_HOSTS", **https)
    assert settings_value("SECURE_HSTS_SECONDS", **https) == "31536000"
    assert settings_value("SECURE_PROXY_SSL_HEADER", SITE_URL="http://localhost:8000") == "None"


def test_a_wrong_value_ends_the_start_with_one_line() -> None:
    assert settings_value("DEBUG", DEBUG="maybe") == "Stepwell cannot start: DEBUG is 'maybe'; write true or false."


def test_supabase_is_the_storage_once_its_address_is_set() -> None:
    assert "SupabaseStorage" in settings_value("STORAGES", SUPABASE_URL="https://x.supabase.co")
    assert "FileSystemStorage" in settings_value("STORAGES")


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    first = secret_key(path)
    assert len(first) >= 50
    assert secret_key(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_key"]


def test_a_given_secret_key_is_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    assert secret_key(tmp_path / "secret_key") == "given"
    assert not (tmp_path / "secret_key").exists()
