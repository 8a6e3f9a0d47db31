"""One function, run in one line: its run is opened, executed right here and carried through time to its end."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Min

from jobs import clock
from jobs.attempt import Attempt
from jobs.client import client as default_client
from jobs.client import send_signal
from jobs.events import validate
from jobs.function import Function
from jobs.models import Run
from jobs.models.flow import Throttle
from jobs.opening import Opening
from jobs.registry import registry
from jobs.testing.inline import drain_with
from jobs.testing.sending import SENDER, stored
from jobs.testing.stubs import StubbedAttempt
from jobs.types import ENDED, INTERNAL_PREFIXES, SCHEDULED_TIMER, Event, Source, Status, StepStatus

_A_MOMENT = timedelta(milliseconds=1)
"""The clocks of the database and of this process may differ by a little."""

_LEEWAY = timedelta(milliseconds=50)
"""How much later than `until` something may be due and still be executed: the test itself has taken time."""

_MOST_PAUSES = 10_000


@dataclass
class Result:
    """What became of a run, as of the moment to which time has passed for it.

    status, output, error: as on its row; `error` has code, name, message and stack, and is None without one.
    steps: what each finished step returned, in order; the n-th repeat of an id is "id:n", a failed step has None.
    sent: the events it and whatever it started have sent. logs: its log lines.
    """

    run: Run
    steps: dict[str, Any] = field(default_factory=dict)
    sent: list[Event] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    _shift: timedelta = field(default=timedelta(0), repr=False)
    _stubs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _known: set[Any] = field(default_factory=set, repr=False)

    @property
    def status(self) -> Status:
        """Where the run is in its life; equal to its name, as in `status == "COMPLETED"`."""
        return Status(self.run.status)

    @property
    def output(self) -> Any:
        """What the function returned, as JSON has it."""
        return self.run.output

    @property
    def error(self) -> dict[str, Any] | None:
        """What it failed with."""
        return self.run.error if self.status in ENDED else None

    @property
    def took(self) -> timedelta:
        """The time that has passed since it was queued, up to its end."""
        return (self.run.ended_at or clock.now() + self._shift) - self.run.queued_at

    def must_complete(self) -> Any:
        """Return the output; AssertionError, with the error and its stack, if the run has not completed."""
        if self.status != Status.COMPLETED:
            error = self.run.error or {}
            words = f"{error.get('name', '')}: {error.get('message', '')}\n{error.get('stack', '')}" if error else ""
            raise AssertionError(f"{self.run} is {self.status.label.lower()}. {words}".strip())
        return self.output

    def after(self, time: timedelta) -> Result:
        """Let so much time pass, at most until the run has ended, and look again."""
        return _carried(self, self._shift + time)

    def to_its_end(self) -> Result:
        """Let time pass until the run has ended, or waits for something that time does not bring."""
        return _carried(self, None)

    def send(self, events: Event | list[Event]) -> Result:
        """Send events now, execute what that makes due, and look again."""
        before = {pk for pk, _ in stored()}
        with clock.shifted():
            clock.shift(self._shift)
            default_client.send_sync(events)
        self._known |= {pk for pk, _ in stored()} - before
        return _carried(self, self._shift)

    def signal(self, name: str, data: Any = None) -> Result:
        """Send a signal now, execute what that makes due, and look again."""
        with clock.shifted():
            clock.shift(self._shift)
            send_signal(name, data)
        return _carried(self, self._shift)


def run(
    function: Function[Any],
    event: Event | Sequence[Event] | None = None,
    *,
    data: Mapping[str, Any] | None = None,
    steps: Mapping[str, Any] | None = None,
    until: timedelta | datetime | None = None,
) -> Result:
    """Run a function here and now, past sleeps, waits and backoff to its end, and return what became of it.

    event: what starts it, or several for a batch; without one, the first that it listens to, with this `data`.
    Triggers' expressions, and what else decides at the door whether a run starts, are not asked.
    steps: by step id, what to put in the place of a handler, a wait or an invocation: a value, an exception to raise,
    a callable, or for waits a `jobs.Event` or `testing.Timeout`. AssertionError for an id that no step has.
    until: how far time may go: a span, or a point in time; `timedelta(0)` stops at the first pause.
    Everything else that is due is executed as well, with handlers as they are.
    """
    if registry.find(function.id) is None:
        registry.add(function)
    known = {pk for pk, _ in stored()}
    opened = Run.objects.get(pk=_open(function, _events(function, event, data)))
    begun = Result(opened, _stubs=dict(steps or {}), _known=known)
    return _carried(begun, until - clock.now() if isinstance(until, datetime) else until)


def _events(
    function: Function[Any], event: Event | Sequence[Event] | None, data: Mapping[str, Any] | None
) -> list[Event]:
    if event is not None:
        if data is not None:
            raise TypeError("Give an event or the data of one, not both")
        return [event] if isinstance(event, Event) else list(event)
    if function.event_triggers:
        return [Event(name=function.event_triggers[0].event.replace("*", "test"), data=data or {})]
    return [Event(name=SCHEDULED_TIMER, data={"cron": function.crons[0].cron, **(data or {})})]


def _open(function: Function[Any], events: Sequence[Event]) -> UUID:
    """Open a run for these events, past the door."""
    if not events:
        raise TypeError("A run has at least one event")
    opening = Opening()
    now = int(clock.now().timestamp() * 1000)
    stamped = [event if event.ts else event.model_copy(update={"ts": now}) for event in events]
    for position, event in enumerate(stamped):
        validate(event, position, internal=event.name.startswith(INTERNAL_PREFIXES))
    run_id = opening.add_run(function, stamped[0], [opening.add_event(event) for event in stamped])
    opening.write(source=Source.MANUAL, sender=SENDER)
    return run_id


def _carried(result: Result, until: timedelta | None) -> Result:
    """Execute what is due and let time pass, as far as it may, until the run has ended."""
    passed = result._shift
    with clock.shifted():
        clock.shift(passed)
        for _ in range(_MOST_PAUSES):
            drain_with(lambda attempt: _stubbed(attempt, result), most=_MOST_PAUSES)
            run = Run.objects.get(pk=result.run.pk)
            pause = None if run.status in ENDED else _pause()
            if pause is None or (until is not None and passed + pause > until + _LEEWAY):
                break
            clock.shift(pause)
            passed += pause
        if until is not None and run.status not in ENDED:
            passed = max(passed, until)
    _check_stubs(run, result._stubs)
    return _seen(run, passed, result)


def _check_stubs(run: Run, stubs: Mapping[str, Any]) -> None:
    """Raise AssertionError for a stub that no step has asked for: a mistyped one would let the real handler run."""
    met = list(run.journal.order_by("index").values_list("name", flat=True))
    for step_id in [name for name in stubs if name[:255] not in met]:
        close = difflib.get_close_matches(step_id, [name for name in met if name not in stubs], n=1, cutoff=0.8)
        # A run that failed or pauses may not have come to it yet; then only what looks like a slip is one.
        if close or run.status == Status.COMPLETED:
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise AssertionError(f"steps names {step_id!r}, but the run has met {met}{hint}")


def _stubbed(attempt: Attempt, result: Result) -> Attempt:
    return StubbedAttempt(attempt, result._stubs) if attempt.claimed.run_id == result.run.pk else attempt


def _pause() -> timedelta | None:
    """Return how long it is until something is due, for whichever run; None if nothing ever will be."""
    # A run whose code is not there is offered again and again, and brings nothing.
    live = Run.objects.live().filter(function__in=[function.id for function in registry.all()])
    moments = [
        live.filter(blocked_by=None).aggregate(first=Min("run_at"))["first"],
        live.aggregate(first=Min("deadline"))["first"],
        Throttle.objects.aggregate(first=Min("wake_at"))["first"],
    ]
    known = [moment for moment in moments if moment is not None]
    return max(timedelta(0), min(known) - clock.now().astimezone(UTC)) + _A_MOMENT if known else None


def _seen(run: Run, passed: timedelta, before: Result) -> Result:
    steps: dict[str, Any] = {}
    counted: Counter[str] = Counter()
    for step in run.journal.all():
        number = counted[step.name]
        counted[step.name] += 1
        done = step.status in (StepStatus.COMPLETED, StepStatus.FAILED) or _slept(step, passed)
        if done:
            steps[f"{step.name}:{number}" if number else step.name] = step.output
    events = [e for pk, e in stored() if pk not in before._known and not e.name.startswith(INTERNAL_PREFIXES)]
    logs = list(run.log_lines.values_list("message", flat=True))
    return Result(run, steps, events, logs, passed, before._stubs, before._known)


def _slept(step: Any, passed: timedelta) -> bool:
    asleep = step.status == StepStatus.SLEEPING and step.wake_at is not None
    return asleep and step.wake_at <= clock.now() + passed
