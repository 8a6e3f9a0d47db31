"""`jobs_list`: the functions of this site, what starts them and where their code is."""

from typing import Any

from django.core.management.base import BaseCommand

from jobs import clock, schedule
from jobs.function import Function
from jobs.registry import registry
from jobs.types import TriggerCron


class Command(BaseCommand):
    """Show every function."""

    help = "List the functions with their triggers, retries, schedules and source."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one block for each function."""
        functions = registry.all()
        if not functions:
            self.stdout.write("No functions yet. Define one with jobs.create_function in the functions.py of an app.")
            return
        for function in functions:
            self._show(function)
        self.stdout.write(f"{len(functions)} function{'s' if len(functions) > 1 else ''}")

    def _show(self, function: Function[Any]) -> None:
        self.stdout.write(f"{self.style.MIGRATE_HEADING(function.id)}  {function.description}".rstrip())
        for trigger in function.triggers:
            if isinstance(trigger, TriggerCron):
                self._line("schedule", _next(trigger.cron))
            elif trigger.expression:
                self._line("event", f"{trigger.event} if {trigger.expression}")
            else:
                self._line("event", trigger.event)
        self._line("retries", str(function.retries))
        if function.on_failure:
            self._line("on failure", function.on_failure.id)
        self._line("source", f"{function.source}\n")

    def _line(self, label: str, value: str) -> None:
        self.stdout.write(f"    {label:<11}{value}")


def _next(cron: str) -> str:
    fields, zone = schedule.parse(cron)
    return f"{cron}  (next {schedule.next_tick(fields, zone, clock.now()):%Y-%m-%d %H:%M %Z})"
