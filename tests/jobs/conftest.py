"""Ground for the tests of the engine's rules: functions of a test's own, executed right here, and a clock to move."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import clock, testing
from jobs.function import Function
from jobs.models import LogLine, Run, Step
from jobs.types import ENDED

Body = Callable[[jobs.ContextSync], Any]


class Counter:
    """Counts its calls and returns the count."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.calls


class Flaky:
    """Fails so many times, then returns its number of calls."""

    def __init__(self, failures: int, error: Callable[[], BaseException] = lambda: ValueError("not yet")) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error()
        return self.calls


class Engine:
    """A registry of the test's own, the verbs of a sender and of a worker, and the hands of the clock."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget every function, as a deploy of other code does; runs and events stay."""
        self._stack.enter_context(testing.registry())

    def define(
        self, body: Body, *, on: str | list[Any] = "test/event", fn_id: str = "work", **options: Any
    ) -> Function:
        """Register a function for events of this name, or with these triggers."""
        trigger: Any = jobs.TriggerEvent(event=on) if isinstance(on, str) else on
        return jobs.create_function(fn_id=fn_id, trigger=trigger, **options)(body)

    def deploy(self, body: Body, **options: Any) -> Function:
        """Replace the code: from now on only this function exists."""
        self.begin_anew()
        return self.define(body, **options)

    def send(self, name: str = "test/event", data: dict[str, Any] | None = None, **fields: Any) -> str:
        """Send one event and return its id."""
        return jobs.send_sync(jobs.Event(name=name, data=data or {}, **fields))[0]

    def start(self, body: Body, data: dict[str, Any] | None = None, **options: Any) -> Run:
        """Define a function and open one run of it."""
        self.define(body, **options)
        self.send(data=data)
        return Run.objects.get()

    def execute(self, body: Body, data: dict[str, Any] | None = None, **options: Any) -> Run:
        """Define a function, open one run of it and execute what is due."""
        return self.drained(self.start(body, data, **options))

    def drained(self, run: Run) -> Run:
        """Execute what is due and return the run as it is then."""
        testing.drain(most=500)
        return Run.objects.get(pk=run.pk)

    def after(self, run: Run, **time: float) -> Run:
        """Let time pass, execute what is due then and return the run."""
        self.pass_time(**time)
        return self.drained(run)

    def to_its_end(self, run: Run) -> Run:
        """Let a day pass again and again until the run has ended."""
        for _ in range(50):
            if run.status in ENDED:
                break
            run = self.after(run, days=1)
        return run

    def pass_time(self, **time: float) -> None:
        """Move the engine's clock until the test ends."""
        clock.shift(timedelta(**time))

    def step(self, name: str) -> Step:
        """Return the one journaled step of this name."""
        return Step.objects.get(name=name)

    def lines(self) -> list[str]:
        """Return what all runs logged."""
        return list(LogLine.objects.values_list("message", flat=True))


@pytest.fixture
def engine(db: None) -> Iterator[Engine]:
    """The engine without any function, in this process; the clock goes back at the end."""
    with ExitStack() as stack, clock.shifted():
        yield Engine(stack)


@pytest.fixture
def committing_engine(transactional_db: None) -> Iterator[Engine]:
    """The same where every write is committed, so that other connections see it."""
    with ExitStack() as stack, clock.shifted():
        yield Engine(stack)
