"""Functions of every kind for a machine that drives their runs at random, and a worker that may die at any write."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

import jobs
from jobs import clock, deliveries, endings, executor, gate, overlooked, testing
from jobs.attempt import Attempt
from jobs.ids import new_id
from jobs.journal import Claimed, Entry, Line, Write
from jobs.models import Run, Step, claiming
from jobs.types import StepStatus

KINDS = ("plain", "waiter", "signalled", "parent", "grouped", "racer")
LIMIT = 2
HOUR = timedelta(hours=1)


class Died(BaseException):
    """The worker's process was killed."""


class MortalRecorder(testing.InlineRecorder):
    """Writes until its worker dies: at so many writes from now, before or after the write is committed."""

    def __init__(self, paused: set[str], dies_at: int | None = None, *, committed: bool = False) -> None:
        self.dead = False
        self._paused, self._left, self._committed = paused, dies_at, committed

    def write(self, write: Write) -> bool:
        """Write, or die."""
        self._die_unless(self._committed)
        held = super().write(write)
        self._die_unless(not self._committed)
        return held

    def record_with(
        self, claimed: Claimed, make: Callable[[], Entry], lines: Callable[[], list[Line]]
    ) -> tuple[Entry, bool]:
        """Run `make` and journal its entry, or die: then neither has happened."""
        with transaction.atomic():
            return super().record_with(claimed, make, lines)

    def stopping(self, function: str) -> bool:
        """Whether the function is paused."""
        return function in self._paused

    def _die_unless(self, later: bool) -> None:
        if self.dead:
            raise Died
        if later or self._left is None:
            return
        self._left -= 1
        if self._left < 0:
            self.dead = True
            raise Died


class Lives:
    """The functions, what their handlers saw, and workers that execute their runs."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.paused: set[str] = set()
        self.dead: list[UUID] = []
        self._calls: Counter[tuple[str, str]] = Counter()
        self._define()

    def _define(self) -> None:
        cancel = [jobs.Cancel(event="test/stop", if_exp="async.data.id == event.data.id")]
        limits = {"concurrency": [jobs.Concurrency(limit=LIMIT)]}
        rules: dict[str, dict[str, Any]] = {
            "plain": {"cancel": cancel, **limits},
            "waiter": {"cancel": cancel},
            "parent": {"timeouts": jobs.Timeouts(finish=timedelta(days=3))},
            "child": limits,
            "grouped": {"retries": 0},
            "racer": {"retries": 0},
        }
        for kind in ("child", *KINDS):
            body = getattr(self, f"_{kind}")
            trigger = jobs.TriggerEvent(event=f"test/{kind}")
            options = {"retries": 1, "backoff": [600], **rules.get(kind, {})}
            jobs.create_function(fn_id=kind, trigger=trigger, **options)(body)

    def _step(self, ctx: jobs.ContextSync, name: str) -> Callable[[], Any]:
        """A step that fails as often as the run's event says, and tells if it is run again once it has finished."""

        def handler() -> str:
            if Step.objects.filter(run_id=ctx.run_id, name=name, status=StepStatus.COMPLETED).exists():
                self.wrong.append(f"{name} of {ctx.run_id} ran again")
            self._calls[ctx.run_id, name] += 1
            if self._calls[ctx.run_id, name] <= int(ctx.event.data.get("fails", 0)):
                raise ValueError(f"{name} fails")
            return name

        return lambda: ctx.step.run(name, handler)

    def _plain(self, ctx: jobs.ContextSync) -> None:
        self._step(ctx, "one")()
        ctx.step.sleep("nap", HOUR)
        self._step(ctx, "two")()

    def _waiter(self, ctx: jobs.ContextSync) -> Any:
        same = "async.data.id == event.data.id"
        event = ctx.step.wait_for_event("wait", event="test/answer", if_exp=same, timeout=2 * HOUR)
        self._step(ctx, "two")()
        return event and event.data["id"]

    def _signalled(self, ctx: jobs.ContextSync) -> Any:
        return ctx.step.wait_for_signal("wait", f"go {ctx.event.data['id']}", timeout=2 * HOUR)

    def _child(self, ctx: jobs.ContextSync) -> str:
        self._step(ctx, "one")()
        ctx.step.sleep("nap", HOUR)
        return "grown up"

    def _parent(self, ctx: jobs.ContextSync) -> Any:
        call = lambda: ctx.step.invoke_by_id("call", function_id="child", data=ctx.event.data, timeout=8 * HOUR)  # noqa: E731
        return ctx.group.parallel((call, self._step(ctx, "beside")))

    def _grouped(self, ctx: jobs.ContextSync) -> Any:
        nap = lambda: ctx.step.sleep("nap", HOUR)  # noqa: E731
        wait = lambda: self._waiter(ctx)  # noqa: E731
        return ctx.group.parallel((self._step(ctx, "one"), nap, wait))

    def _racer(self, ctx: jobs.ContextSync) -> Any:
        nap = lambda: ctx.step.sleep("nap", HOUR)  # noqa: E731
        branches = (lambda: self._waiter(ctx), nap)
        first = ctx.group.parallel(branches, parallel_mode=jobs.ParallelMode.RACE)
        self._step(ctx, "last")()
        return first

    def look_after(self) -> None:
        """Hand over what has come, and end what is overdue."""
        while deliveries.hand_over() or deliveries.end_overdue():
            pass

    def work(self, most: int = 64, *, dies_at: int | None = None, committed: bool = False) -> int:
        """Have a worker claim runs and execute them, until it dies; returns how many it took."""
        worker, recorder = new_id(), MortalRecorder(self.paused, dies_at, committed=committed)
        with transaction.atomic(), connection.cursor() as cursor:
            taken = claiming.claim(cursor, worker, most)
        with transaction.atomic(), connection.cursor() as cursor:
            taken += gate.claim(cursor, worker, most)
        for claimed in taken:
            with contextlib.suppress(Died):
                self._execute(claimed, recorder)
            if recorder.dead:
                self.dead.append(worker)
                break
        return len(taken)

    def _execute(self, claimed: Claimed, recorder: MortalRecorder) -> None:
        prepared = executor.prepare(claimed, recorder)
        attempt = prepared if isinstance(prepared, Attempt) else None
        outcome = executor.run(prepared) if isinstance(prepared, Attempt) else prepared
        write = None if recorder.dead else executor.settle(claimed, outcome, attempt)
        if write is None or write.settle is None:
            return
        if endings.is_heard(claimed, write.settle):
            endings.end(claimed, write)
        else:
            recorder.write(write)

    def free_the_dead(self) -> None:
        """Do what a keeper does: free the runs of dead workers, and look again at what waits behind keys with room."""
        with connection.cursor() as cursor:
            claiming.free_runs_of(cursor, self.dead)
        with transaction.atomic(), connection.cursor() as cursor:
            overlooked.look(cursor)
        self.dead.clear()

    def to_the_end(self) -> None:
        """Let time pass, with everybody at work, for as long as anything could still be waited for."""
        for _ in range(40):
            self.free_the_dead()
            self.look_after()
            while self.work():
                self.look_after()
            clock.shift(timedelta(hours=3))

    def show(self, say: Callable[[str], None]) -> None:
        """Say how every run was left."""
        for run in Run.objects.order_by("id"):
            waits = f", due {run.run_at}, behind {run.blocked_by}" if run.is_live else ""
            say(f"{run.function} {str(run.pk)[-8:]}: {run.status}{waits}")
            for step in run.journal.order_by("index"):
                say(f"    {step.name} {step.status} until {step.wake_at}")
