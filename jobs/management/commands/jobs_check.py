"""`jobs_check`: whether the engine is set up right and its surroundings are there."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning, run_checks
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from jobs import checks
from jobs.api.health import workers_alive
from jobs.models import EventKey
from jobs.registry import registry


class Command(BaseCommand):
    """Print the system checks of the engine, and what is missing around it."""

    help = "Check JOBS and Q_CLUSTER, and look for functions, keys, migrations and workers. Fails on errors only."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every finding; an error fails the command."""
        found = run_checks(tags=[checks.TAG])
        errors = [message for message in found if message.is_serious()]
        # Wrong settings would make the look at the surroundings fail in their own words.
        found = found if errors else [*found, *surroundings()]
        for message in found:
            self.stdout.write((self.style.ERROR if message.is_serious() else self.style.WARNING)(str(message)) + "\n")
        if errors:
            raise CommandError(f"{len(errors)} of {len(found)} findings must be fixed before workers can start.")
        count = len(registry.all())
        self.stdout.write(f"{count} functions, {len(found)} warnings, no errors.")


def surroundings() -> list[CheckMessage]:
    """Return a warning for everything that a working site has and this one lacks."""
    if not registry.all():
        return [_warning("jobs.W201", "No function is defined.", "Write one in the functions.py of an installed app.")]
    try:
        return list(_lacking())
    except OperationalError as error:
        return [_warning("jobs.W202", f"The database is away: {str(error).strip()}", "Start it, or see DATABASE_URL.")]


def _lacking() -> Iterator[CheckMessage]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan([node for node in executor.loader.graph.leaf_nodes() if node[0] == "jobs"]):
        yield _warning("jobs.W203", "The engine's tables are not up to date.", "Run `manage.py migrate`.")
        return
    if not EventKey.objects.filter(active=True).exists():
        yield _warning(
            "jobs.W204", "No event key is active, so no other program can send.", "`manage.py jobs_key NAME`"
        )
    if not workers_alive():
        yield _warning("jobs.W205", "No worker is alive, so runs stay queued.", "Start one with `make worker`.")


def _warning(check: str, words: str, hint: str) -> Warning:
    return Warning(words, hint=hint, obj=DEFAULT_DB_ALIAS if check == "jobs.W202" else None, id=check)
