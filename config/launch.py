"""`make run`: check the ground, prepare the database and the files, then become the supervisor.

`python -m config.launch prepare` stops after the preparation, for deployments that start the parts themselves.
"""

import os
import secrets
import signal
import socket
import sys

import psycopg

from config import database, embedded, env, leash, static, supervisor

OLDEST_SERVER = 130000  # PostgreSQL 13
CONNECT_SECONDS = 5


def main() -> None:
    """Prepare the site and run it; what is missing is told in one line."""
    # An orderly end even now: whoever started the database stops it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if "MAKELEVEL" in os.environ:
        # Under make nobody but make would tell us to stop.
        leash.end_with_parent(os.getppid())
    env.load_project_file()
    only_prepare = sys.argv[1:] == ["prepare"]
    if not only_prepare:
        check_port(env.text("HOST", "127.0.0.1"), env.number("PORT", 8000))
    if url := env.text("DATABASE_URL"):
        check_database(url)
    else:
        embedded.ensure_running()
    prepare()
    sys.stdout.flush()
    if only_prepare:
        return
    # A fresh process: the supervisor needs neither Django nor its memory. Signals wait until it listens to them.
    signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.STOPPING)
    os.execv(sys.executable, [sys.executable, "-m", "config.supervisor"])


def check_port(host: str, port: int) -> None:
    """Fail in words if the web server could not listen."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise env.SettingError(f"port {port} on {host} cannot be used ({reason.lower()}); set PORT or HOST.") from None


def check_database(url: str) -> None:
    """Fail in words if the database is not there, or too old."""
    # Taken apart by ourselves: libpq's complaint about a malformed address would show the password in it.
    parsed = database.parse_url(url)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {name: parsed[ours] for name, ours in names.items() if parsed[ours]}
    try:
        with psycopg.connect(**given, **({"connect_timeout": CONNECT_SECONDS} | parsed["OPTIONS"])) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise env.SettingError(f"the database in DATABASE_URL cannot be reached: {reason}") from None
    if version < OLDEST_SERVER:
        raise env.SettingError(f"the database runs PostgreSQL {version // 10000}; 13 or newer is needed.")


def prepare() -> None:
    """Migrate, collect the static files if they changed, make the first user."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command
    from django.db import Error

    django.setup()
    try:
        call_command("migrate", interactive=False, verbosity=0)
        message = ensure_admin(env.text("ADMIN_PASSWORD"))
    except Error as error:
        reason = " ".join(str(error).split())
        raise env.SettingError(f"the database could not be prepared: {reason}") from None
    static.collect_if_changed()
    if message:
        print(message)


def ensure_admin(password: str) -> str:
    """Make the user `admin` if nobody could log in to the admin yet; returns what to tell about it.

    ADMIN_PASSWORD, if given, is the password of `admin` from now on.
    """
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    user = users.filter(username="admin").first()
    if password and user:
        if not user.check_password(password):
            user.set_password(password)
            user.save(update_fields=["password"])
        return ""
    if user or (not password and users.filter(is_superuser=True, is_active=True).exists()):
        return ""
    chosen = password or secrets.token_urlsafe(12)
    users.create_superuser("admin", password=chosen)
    shown = "the password from ADMIN_PASSWORD" if password else f"the password {chosen} (shown only this once)"
    return f"\nLog in as admin with {shown}."


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
