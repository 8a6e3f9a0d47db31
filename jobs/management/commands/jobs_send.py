"""`jobs_send NAME --data JSON [--follow]`: send an event, and watch the runs that it starts."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError

from jobs import serialize
from jobs.errors import InvalidEvent
from jobs.events import Sent, send
from jobs.management import progress, trouble
from jobs.registry import registry
from jobs.types import INTERNAL_PREFIXES, Event, Source, Status


class Command(BaseCommand):
    """Send one event."""

    help = "Send an event. With --follow, show its runs live; the exit code is 0 if all of them complete."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the event, and whether to watch."""
        parser.add_argument("name", help="the event's name, e.g. test/hello.world")
        parser.add_argument("--data", default="{}", metavar="JSON", help="the event's data, a JSON object")
        parser.add_argument("--id", default="", help="an id that makes sending twice within 24 hours harmless")
        parser.add_argument("--follow", action="store_true", help="show the runs until they end")

    def handle(self, *args: Any, name: str, data: str, follow: bool, **options: Any) -> None:
        """Send, tell what it started and, if asked to, watch."""
        value = _data(data)
        with trouble.in_words():
            self._send(name, value, options["id"], follow=follow)

    def _send(self, name: str, data: dict[str, Any], event_id: str, *, follow: bool) -> None:
        sent = _sent(name, data, event_id)
        self.stdout.write(f"Event {name} {sent.event_id}")
        if sent.run_ids:
            count = len(sent.run_ids)
            self.stdout.write(f"It starts {count} run{'s' if count > 1 else ''}.")
        else:
            self._say_why_nothing_starts(name, sent, follow=follow)
        if follow and sent.run_ids:
            self._follow(sent.run_ids)

    def _say_why_nothing_starts(self, name: str, sent: Sent, *, follow: bool) -> None:
        if sent.duplicate:
            self.stdout.write("Its id was seen within the last 24 hours, so it starts nothing again.")
            return
        if sent.note:
            self.stdout.write(f"It starts nothing: {'; '.join(sent.note.splitlines())}.")
            return
        names = [one for one in registry.event_names() if not one.startswith(INTERNAL_PREFIXES)]
        known = ", ".join(names) or "none"
        words = f"Nothing listens to {name!r}; functions listen to: {known}."
        if registry.listening_to(name):
            words = f"No trigger's expression is true for this event, so {name!r} starts nothing."
        if follow:
            raise CommandError(words)
        self.stderr.write(self.style.WARNING(words))

    def _follow(self, run_ids: tuple[UUID, ...]) -> None:
        try:
            runs = progress.follow(run_ids, self.stdout)
        except KeyboardInterrupt:
            raise CommandError("Not watching any more; the runs go on.", returncode=130) from None
        short = [run for run in runs if run.status != Status.COMPLETED]
        if short:
            raise CommandError(f"{len(short)} of {len(runs)} runs did not complete.")


def data_of(text: str) -> Any:
    """Return the value of `--data`; what is wrong with it is told in words."""
    try:
        return serialize.loads(text)
    except json.JSONDecodeError as error:
        raise CommandError(f"--data is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--data is not JSON: {error}.") from None


def _data(text: str) -> dict[str, Any]:
    data = data_of(text)
    if not isinstance(data, dict):
        raise CommandError('--data must be a JSON object, e.g. \'{"name": "Ada"}\'.')
    return data


def _sent(name: str, data: dict[str, Any], event_id: str) -> Sent:
    try:
        return send([Event(name=name, data=data, id=event_id)], source=Source.MANUAL, sender="jobs_send")[0]
    except ValidationError:
        raise CommandError("An event's name has 1 to 255 characters.") from None
    except InvalidEvent as error:
        raise CommandError(f"This event is refused: {error}.") from None
