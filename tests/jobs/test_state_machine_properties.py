"""Runs driven at random: whatever happens to them, in whatever order, the engine's promises hold."""

from __future__ import annotations

import functools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import jobs
from jobs import actions, clock, testing
from jobs.models import Delivery, Run, Step, Wait
from jobs.types import ENDED, LIVE, Op, Status, StepStatus
from tests.jobs.lives import KINDS, LIMIT, Lives

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "40"))
SECONDS = float(os.environ.get("STATE_MACHINE_SECONDS", "35"))
"""After so long, what is left of the examples ends at once: the suite must not wait for a slow machine."""

kinds = st.sampled_from(KINDS)
ids = st.integers(1, 3)
picks = st.integers(0, 20)
failures = st.sampled_from([0, 0, 1, 2])


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except Exception:
        Machine.found = True
        raise


def acts(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """Make a rule of what somebody does, as long as there is time: a precondition may not depend on the clock."""

    def decorate(act: Callable[..., None]) -> Any:
        @functools.wraps(act)
        def acted(self: Machine, **values: Any) -> None:
            if not self.idle:
                with _noted():
                    act(self, **values)

        return rule(**drawn)(acted)

    return decorate


class Machine(RuleBasedStateMachine):
    """Senders, workers, people and time, each acting when the drawn rule says so."""

    out_of_time = 0.0
    found = False

    def __init__(self) -> None:
        super().__init__()
        # What is being narrowed down goes on being executed, however long that takes.
        self.idle = time.monotonic() > Machine.out_of_time and not Machine.found
        self.stack = ExitStack()
        self.stack.enter_context(transaction.atomic())
        self.stack.enter_context(testing.registry())
        self.stack.enter_context(clock.shifted())
        self.lives = Lives()
        self.sent: Counter[str] = Counter()
        self.ended: dict[UUID, tuple[Any, ...]] = {}
        self.journal: dict[tuple[UUID, str], tuple[Any, ...]] = {}

    @initialize(fails=st.lists(failures, min_size=len(KINDS), max_size=len(KINDS)))
    def begin(self, fails: list[int]) -> None:
        for kind, times in zip(KINDS, fails, strict=True):
            if not self.idle:
                self.send(kind=kind, id=1, fails=times)

    @acts(kind=kinds, id=ids, fails=failures)
    def send(self, kind: str, id: int, fails: int) -> None:
        jobs.send_sync(jobs.Event(name=f"test/{kind}", data={"id": id, "fails": fails}))
        self.sent[f"stepwell-{kind}"] += 1

    @acts(id=ids)
    def answer(self, id: int) -> None:
        jobs.send_sync(jobs.Event(name="test/answer", data={"id": id}))

    @acts(id=ids)
    def signal(self, id: int) -> None:
        jobs.send_signal(f"go {id}", id)

    @acts(id=ids)
    def stop(self, id: int) -> None:
        jobs.send_sync(jobs.Event(name="test/stop", data={"id": id}))

    @acts(most=st.sampled_from([1, 4, 64]))
    def work(self, most: int) -> None:
        self.lives.work(most)

    @acts(most=st.sampled_from([1, 64]), dies_at=st.integers(0, 5), committed=st.booleans())
    def work_and_die(self, most: int, dies_at: int, committed: bool) -> None:
        self.lives.work(most, dies_at=dies_at, committed=committed)

    @acts()
    def look_after(self) -> None:
        self.lives.look_after()

    @acts()
    def free_the_dead(self) -> None:
        self.lives.free_the_dead()

    @acts(minutes=st.sampled_from([1, 11, 65, 130, 500]))
    def pass_time(self, minutes: int) -> None:
        clock.shift(timedelta(minutes=minutes))

    @acts(pick=picks)
    def cancel(self, pick: int) -> None:
        if run := self._picked(LIVE, pick):
            assert actions.cancel(run, by="ada")

    @acts(pick=picks)
    def retry(self, pick: int) -> None:
        if run := self._picked((Status.FAILED,), pick):
            assert actions.retry(run, by="ada")
            assert not actions.retry(run, by="bob")
            del self.ended[run.pk]

    @acts(pick=picks)
    def wake(self, pick: int) -> None:
        if run := self._picked((Status.SLEEPING, Status.QUEUED), pick):
            actions.wake(run, by="ada")

    @acts(kind=kinds)
    def pause_or_resume(self, kind: str) -> None:
        function_id = f"stepwell-{kind}"
        paused = function_id in self.lives.paused
        assert (actions.resume if paused else actions.pause)(function_id, by="ada")
        self.lives.paused ^= {function_id}

    def _picked(self, statuses: tuple[Status, ...], pick: int) -> Run | None:
        runs = list(Run.objects.filter(status__in=statuses).order_by("id"))
        return runs[pick % len(runs)] if runs else None

    @invariant()
    def promises(self) -> None:
        if self.idle:
            return
        with _noted():
            self.a_journaled_step_never_runs_again()
            self.a_finished_step_stays_as_it_is()
            self.an_ended_run_never_moves()
            self.slots_are_held_within_limits_and_only_by_the_dead()
            self.only_live_runs_wait_for_anything()
            self.what_a_live_run_waits_for_can_still_come()
            self.counts_add_up()

    def a_journaled_step_never_runs_again(self) -> None:
        assert self.lives.wrong == []

    def a_finished_step_stays_as_it_is(self) -> None:
        completed = Step.objects.filter(status=StepStatus.COMPLETED).values_list("run_id", "key", "output", "ended_at")
        now = {(run, key): (output, ended) for run, key, output, ended in completed}
        changed = [key for key, was in self.journal.items() if now.get(key) != was]
        assert changed == []
        self.journal = now

    def an_ended_run_never_moves(self) -> None:
        runs = Run.objects.filter(status__in=ENDED).values_list("pk", "status", "output", "error", "ended_at", "lease")
        now = {pk: tuple(row) for pk, *row in runs}
        moved = [pk for pk, was in self.ended.items() if now.get(pk) != was]
        assert moved == []
        self.ended = now

    def slots_are_held_within_limits_and_only_by_the_dead(self) -> None:
        running = Run.objects.filter(status=Status.RUNNING).exclude(concurrency_1=None)
        taken = Counter(running.values_list("concurrency_1", flat=True))
        assert max(taken.values(), default=0) <= LIMIT
        held = set(Run.objects.filter(status=Status.RUNNING).values_list("worker", flat=True))
        assert held <= set(self.lives.dead)

    def only_live_runs_wait_for_anything(self) -> None:
        assert not Wait.objects.exclude(run__in=Run.objects.live().values("pk")).exists()

    def what_a_live_run_waits_for_can_still_come(self) -> None:
        live = Run.objects.live().values("pk")
        waiting = Step.objects.filter(status=StepStatus.WAITING, run_id__in=live)
        known = set(Wait.objects.values_list("run", "step"))
        events = set(waiting.exclude(op=Op.INVOKE).values_list("run_id", "key"))
        assert events <= known
        children = set(waiting.filter(op=Op.INVOKE).values_list("run_id", "key", "child"))
        coming = set(Run.objects.live().exclude(parent_run=None).values_list("parent_run", "parent_step", "pk"))
        told = set(Delivery.objects.values_list("run", "step"))
        assert {one for one in children - coming if one[:2] not in told} == set()

    def counts_add_up(self) -> None:
        found = Counter(Run.objects.filter(parent_run=None).values_list("function", flat=True))
        assert found == self.sent
        parents = set(Run.objects.exclude(parent_run=None).values_list("parent_run", flat=True))
        invoking = set(Step.objects.filter(op=Op.INVOKE).values_list("run_id", flat=True))
        assert parents == invoking

    def teardown(self) -> None:
        try:
            if not self.idle:
                self._ends()
        except AssertionError:
            Machine.found = True
            self.lives.show(note)
            raise
        finally:
            transaction.set_rollback(True)
            self.stack.close()

    def _ends(self) -> None:
        for function_id in sorted(self.lives.paused):
            actions.resume(function_id, by="ada")
        self.lives.paused.clear()
        self.lives.to_the_end()
        assert self.lives.wrong == []
        assert [(run.function, run.status) for run in Run.objects.live()] == []
        assert not Wait.objects.exists()
        assert not Delivery.objects.exists()
        self.an_ended_run_never_moves()
        self.a_finished_step_stays_as_it_is()
        self.counts_add_up()


@pytest.mark.slow
def test_whatever_happens_the_promises_hold(db: None) -> None:
    Machine.out_of_time = time.monotonic() + SECONDS
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        derandomize="STATE_MACHINE_EXAMPLES" not in os.environ,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=chosen)
