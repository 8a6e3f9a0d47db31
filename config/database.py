"""Which PostgreSQL the project talks to: DATABASE_URL, or the embedded one."""

import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from config import embedded, env

SCHEMES = {"postgres", "postgresql", "postgis"}
# These only read code and files, so the embedded server need not be started for them.
WITHOUT_DATABASE = {"check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "help", "makemessages"}
# Looks into the database only to compare histories, and says so at length when there is none.
WITH_NO_ENGINE = {"makemigrations"}
# Django's PostgreSQL, which in workers lends connections for a statement instead of a step.
ENGINE = "jobs.postgresql"
POOL = {"min_size": 0, "timeout": 30, "reconnect_timeout": 3}
# A host that vanishes is noticed in 20 s, by the client and by the server, and not when TCP gives up.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000}


def prepare_for(argv: Sequence[str]) -> None:
    """Start the embedded server if the management command in `argv` needs a database."""
    env.load_project_file()
    command = next((word for word in argv[1:] if not word.startswith("-")), "help")
    if command in WITHOUT_DATABASE | WITH_NO_ENGINE or {"--help", "-h", "--version"} & set(argv):
        return
    ensure_ready()


def ensure_ready() -> None:
    """Start the embedded server unless DATABASE_URL names another one."""
    env.load_project_file()
    if not env.text("DATABASE_URL"):
        embedded.ensure_running()


def configuration() -> dict[str, Any]:
    """The value of DATABASES["default"]."""
    url = env.text("DATABASE_URL")
    if not url and len(sys.argv) > 1 and sys.argv[1] in WITH_NO_ENGINE:
        return {"ENGINE": "django.db.backends.dummy"}
    parsed = parse_url(url) if url else embedded_parameters()
    pool = {**POOL, "max_size": env.number("DATABASE_POOL_SIZE", 4, least=1)}
    usual = {"connect_timeout": 10, "application_name": "stepwell", **KEEPALIVES}
    options = {**usual, **parsed.pop("OPTIONS", {}), "pool": pool}
    # Django wants CONN_MAX_AGE 0 beside a pool: the pool keeps the connections. The engine checks them by itself.
    shared = {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "OPTIONS": options}
    # A transaction pooler knows neither prepared statements nor cursors that outlive a statement. Without the setting,
    # the engine finds one out.
    shared["DISABLE_SERVER_SIDE_CURSORS"] = bool(env.text("JOBS_PREPARE")) and not env.flag("JOBS_PREPARE")
    test_name = env.text("TEST_DATABASE_NAME")
    return {**parsed, **shared, "TEST": {"NAME": test_name} if test_name else {}}


def embedded_parameters() -> dict[str, Any]:
    """How to reach the embedded server: a private socket, no password."""
    return {
        "ENGINE": ENGINE,
        "NAME": embedded.DATABASE,
        "USER": embedded.SUPERUSER,
        "HOST": str(embedded.server().socket_folder),
        "PORT": str(embedded.PORT),
    }


def parse_url(url: str) -> dict[str, Any]:
    """Turn postgresql://user:password@host:port/name?sslmode=require into Django's words."""
    parts = _split(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    # A socket folder may stand as ?host=/folder, or percent-encoded in the place of the host.
    host = options.pop("host", "") or unquote(parts.hostname or "")
    if host.lower().startswith("%2f"):
        host = unquote(host)
    return {
        "ENGINE": ENGINE,
        "NAME": options.pop("dbname", "") or unquote(parts.path.lstrip("/")),
        "USER": options.pop("user", "") or unquote(parts.username or ""),
        "PASSWORD": options.pop("password", "") or unquote(parts.password or ""),
        "HOST": host,
        "PORT": options.pop("port", "") or str(_port(parts) or ""),
        "OPTIONS": options,
    }


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise env.SettingError("DATABASE_URL cannot be read; percent-encode special characters in it.") from None
    if parts.scheme not in SCHEMES:
        raise env.SettingError("DATABASE_URL must start with postgresql:// (only PostgreSQL is supported).")
    if parts.fragment:
        raise env.SettingError("DATABASE_URL holds a bare #; percent-encode special characters in the password.")
    if not parts.path.strip("/") and "dbname=" not in parts.query:
        raise env.SettingError("DATABASE_URL names no database; end it with /name.")
    return parts


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise env.SettingError(
            "DATABASE_URL has a port that is no number; percent-encode special characters in the password."
        ) from None
