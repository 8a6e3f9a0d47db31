"""The verdict of a campaign tells each kind of violation from what is allowed."""

import time
from typing import Any

import pytest

from jobs.registry import registry

# Kept out of the registry of the tests' own process.
with registry.isolated():
    from bench.campaign.ledger import Line
    from bench.campaign.seen import Event, Run, Seen
    from bench.campaign.verdict import CATEGORIES, Verdict


def line(word: str, at: float = 1.0, **facts: Any) -> Line:
    return Line(word, at, facts)


def sent(n: int, kind: str = "limited") -> Line:
    return line("acknowledged", id=f"c-{n}", kind=kind, data={"n": n})


def began(run: str, step: str = "only", at: float = 1.0) -> Line:
    return line("begin", at, run=run, step=step)


def world(*runs: Run, kind: str = "limited", n: int = 4) -> Seen:
    """One event, the runs that it started, and the number of that event."""
    seen = Seen(events=[Event("e", f"c-{n}", kind, {"n": n}, False, "")], runs={run.id: run for run in runs})
    seen.runs_of["e"] = [run.id for run in runs]
    seen.events_of = {run.id: ["e"] for run in runs}
    return seen


def run(pk: str = "r", *, kind: str = "limited", status: str = "COMPLETED", output: Any = 4) -> Run:
    return Run(pk, kind, status, output, "")


def found(lines: list[Line], seen: Seen) -> dict[str, int]:
    """Return the categories with violations, and how many."""
    return {name: times for name, times in Verdict(lines, seen).report()["violations"].items() if times}


def test_a_run_that_ended_as_its_event_says_is_no_violation() -> None:
    assert found([sent(4), began("r")], world(run())) == {}
    assert Verdict([sent(4)], world(run())).holds


def test_an_acknowledged_event_that_is_not_stored_is_lost() -> None:
    assert found([sent(4), sent(5)], world(run())) == {"lost_events": 1}


def test_an_acknowledged_event_that_started_nothing_is_lost() -> None:
    assert found([sent(4)], world()) == {"lost_events": 1}


def test_an_event_that_started_two_runs_is_told() -> None:
    assert found([sent(4)], world(run("a"), run("b"))) == {"doubled_runs": 1}


def test_an_event_whose_transaction_was_rolled_back_may_not_be_there() -> None:
    rolled = line("rolled-back", id="c-4", kind="limited", data={"n": 4})
    assert found([rolled], world(run())) == {"doubled_runs": 1}


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING", "SLEEPING", "WAITING"])
def test_a_run_that_never_ended_is_stuck(status: str) -> None:
    assert found([sent(4)], world(run(status=status, output=None))) == {"stuck_runs": 1}


def test_a_run_with_another_result_is_told() -> None:
    assert found([sent(4)], world(run(output=5))) == {"changed_results": 1}
    assert found([sent(4)], world(run(status="FAILED", output=None))) == {"changed_results": 1}


def test_a_call_after_the_body_went_on_is_a_step_run_again() -> None:
    journaled = line("journaled", 2.0, run="r", step="only", token="a")
    assert found([sent(4), began("r", at=1.0), journaled], world(run())) == {}
    # Two workers may both have called it before one of them could journal it.
    assert found([sent(4), began("r", at=1.0), began("r", at=1.5), journaled], world(run())) == {}
    assert found([sent(4), began("r", at=1.0), journaled, began("r", at=3.0)], world(run())) == {"steps_run_again": 1}


def called(at: float, lease: int) -> Line:
    return line("begin", at, run="r", step="only", lease=lease)


@pytest.mark.parametrize(
    ("fault", "lease", "violations"), [("link-silent", 1, 0), ("link-silent", 2, 1), ("stop-server", 1, 1)]
)
def test_only_a_worker_that_was_cut_off_alone_may_call_late(fault: str, lease: int, violations: int) -> None:
    faulty = [line("fault", 1.0, name=fault), line("healed", 5.0, name=fault)]
    journaled = line("journaled", 4.0, run="r", step="only", token="a")
    lines = [sent(4), *faulty, called(3.0, 2), journaled, called(6.0, lease)]
    assert found(lines, world(run())) == ({"steps_run_again": violations} if violations else {})


def test_a_call_after_the_commit_is_a_step_run_again_although_the_body_never_heard_of_it() -> None:
    now, seen = time.monotonic(), world(run())
    seen.committed["r", "only"] = time.time()
    assert found([sent(4), began("r", at=now - 1)], seen) == {}
    assert found([sent(4), began("r", at=now - 1), began("r", at=now + 1)], seen) == {"steps_run_again": 1}


@pytest.mark.parametrize(("rows", "violations"), [(0, 1), (1, 0), (2, 1)])
def test_the_rows_of_a_transaction_are_there_exactly_once(rows: int, violations: int) -> None:
    seen = world(run(kind="transacted", output=8), kind="transacted")
    seen.committed["r", "first"] = 1.0
    seen.effects = {("r", "first"): rows} if rows else {}
    told = {"double_transactions": violations} if violations else {}
    assert found([sent(4, "transacted")], seen) == told


def test_rows_of_a_transaction_that_is_not_journaled_are_told() -> None:
    seen = world(run(kind="transacted", output=8), kind="transacted")
    seen.effects = {("r", "first"): 1}
    assert found([sent(4, "transacted")], seen) == {"double_transactions": 1}


def test_a_slot_that_is_still_held_is_leaked() -> None:
    seen = world(run())
    seen.slots = 1
    assert found([sent(4)], seen) == {"slots_leaked": 1}


def test_probes_that_do_not_find_all_slots_tell_of_a_leaked_one() -> None:
    seen = Seen()
    lines = []
    for number in range(3):
        pk = f"p{number}"
        seen.events.append(Event(pk, pk, "limited", {"n": 4, "rest": 0.6}, False, ""))
        seen.runs[pk] = run(pk, kind="limited")
        seen.runs_of[pk], seen.events_of[pk] = [pk], [pk]
        lines.append(began(pk))
    ends = [line("end", 2.0, run=f"p{number}", step="only") for number in range(3)]
    assert found([*lines, *ends], seen) == {}
    # The third begins only when the first has ended.
    assert found([*lines[:2], ends[0], lines[2], *ends[1:]], seen) == {"slots_leaked": 1}


def test_every_category_is_counted() -> None:
    assert set(Verdict([], Seen()).report()["violations"]) == set(CATEGORIES)
