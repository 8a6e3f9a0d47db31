"""`jobs_act VERB ID`: what the admin's buttons do, from a terminal or a script."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import actions
from jobs.api.reading import run_of
from jobs.errors import InvalidEvent, RefusedByRule, UnknownFunction
from jobs.management import trouble
from jobs.management.commands.jobs_send import data_of
from jobs.models import Run
from jobs.registry import registry

BY = "jobs_act"

RUN_VERBS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "retry": (actions.retry, "It is queued again.", "there is nothing to retry"),
    "rerun": (actions.rerun, "It runs again", ""),
    "cancel": (actions.cancel, "It is cancelled.", "there is nothing to cancel"),
    "wake": (actions.wake, "It goes on now.", "there is nothing to cut short"),
}
FUNCTION_VERBS: dict[str, tuple[Callable[..., bool], str, str]] = {
    "pause": (actions.pause, "It is paused; its events go on opening runs, which wait.", "It was paused already."),
    "resume": (actions.resume, "It goes on.", "It was not paused."),
}


class Command(BaseCommand):
    """Do to one run or function what a person would do in the admin."""

    help = "Retry, rerun, cancel or wake a run; pause or resume a function; send a signal."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the verb and what it is done to."""
        parser.add_argument("verb", choices=[*RUN_VERBS, *FUNCTION_VERBS, "signal"])
        parser.add_argument("id", help="the id of a run or function, or the name of a signal")
        parser.add_argument("--data", default="null", metavar="JSON", help="what a signal carries")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        """Do it, and say what became of it."""
        with trouble.in_words():
            if verb in RUN_VERBS:
                self._to_run(verb, options["id"])
            elif verb in FUNCTION_VERBS:
                self._to_function(verb, options["id"])
            else:
                self._signal(options["id"], options["data"])

    def _to_run(self, verb: str, run_id: str) -> None:
        act, done, nothing = RUN_VERBS[verb]
        run = run_of(run_id)
        if run is None:
            raise CommandError(f"No run has the id {run_id!r}.")
        try:
            result = act(run, by=BY)
        except (RefusedByRule, UnknownFunction) as error:
            raise CommandError(str(error)) from None
        if not result:
            run.refresh_from_db()
            raise CommandError(f"This run is {run.get_status_display().lower()}, so {nothing}.")
        self.stdout.write(f"{done} as run {result.pk}." if isinstance(result, Run) else done)

    def _to_function(self, verb: str, function_id: str) -> None:
        act, done, nothing = FUNCTION_VERBS[verb]
        if registry.find(function_id) is None:
            known = ", ".join(function.id for function in registry.all())
            raise CommandError(f"No function has the id {function_id!r}; there are: {known}.")
        self.stdout.write(done if act(function_id, by=BY) else nothing)

    def _signal(self, name: str, text: str) -> None:
        try:
            event_id = actions.send_signal(name, data_of(text), by=BY)
        except InvalidEvent as error:
            raise CommandError(f"This signal is refused: {error}.") from None
        self.stdout.write(f"Signal {name} sent, as event {event_id}.")
