"""`jobs_key NAME`: make a key for the event API and the read API, or revoke one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from jobs import keys
from jobs.management import trouble
from jobs.models import EventKey
from jobs.models.key import Scope

MAX_NAME = 100


class Command(BaseCommand):
    """Make a key, which is printed once, or revoke it."""

    help = "Make a key with which another program sends events and reads runs. It is printed once and stored hashed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the key's name."""
        parser.add_argument("name", help="who uses the key, e.g. the name of the program")
        parser.add_argument(
            "--may",
            nargs="+",
            default=[Scope.SEND.value],
            metavar="SCOPE",
            help=f"what it may do: {', '.join(keys.scopes())}; send alone if nothing is said",
        )
        parser.add_argument("--revoke", action="store_true", help="make this key stop working")

    def handle(self, *args: Any, name: str, may: list[str], revoke: bool, **options: Any) -> None:
        """Make or revoke."""
        with trouble.in_words():
            self._revoke(name) if revoke else self._make(name, may)

    def _make(self, name: str, may: list[str]) -> None:
        if unknown := [scope for scope in may if scope not in keys.scopes()]:
            raise CommandError(f"A key cannot be allowed {unknown[0]!r}; known: {', '.join(keys.scopes())}.")
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise CommandError(f"A key's name has 1 to {MAX_NAME} printable characters.")
        try:
            with transaction.atomic():
                _, secret = EventKey.make(name, set(may))
        except IntegrityError:
            raise CommandError(f"There is a key named {name!r} already; choose another name.") from None
        # The key alone goes to standard output, so that a script can take it from there.
        self.stderr.write(
            f"The key {name!r} is made and may: {', '.join(may)}. It is shown only now; keep it where secrets are kept."
        )
        self.stdout.write(secret)

    def _revoke(self, name: str) -> None:
        if EventKey.objects.filter(name=name, active=True).update(active=False):
            self.stdout.write(f"The key {name!r} is revoked.")
        elif EventKey.objects.filter(name=name).exists():
            self.stdout.write(f"The key {name!r} was revoked before.")
        else:
            known = ", ".join(EventKey.objects.order_by("name").values_list("name", flat=True)) or "none"
            raise CommandError(f"There is no key named {name!r}; known: {known}.")
