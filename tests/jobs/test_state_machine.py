"""The states of a run: the table, the database and the page that draws them say the same.

`UPDATE_DOCS=1 make test ARGS=tests/jobs/test_state_machine.py` draws the page anew.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from jobs import clock, types
from jobs.models import Run
from jobs.types import ENDED, ENTERED_FROM, LIVE, Status
from tests.jobs.factories import a_run

PAGE = Path(__file__).parents[2] / "docs" / "state_machine.md"
_DIAGRAM = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def diagram() -> str:
    """Return the Mermaid diagram of ENTERED_FROM."""
    lines = ["stateDiagram-v2"]
    for status in Status:
        if status in (Status.QUEUED, Status.SKIPPED):
            lines.append(f"    [*] --> {status}")
        lines += [f"    {before} --> {status}" for before in ENTERED_FROM[status]]
        if status in ENDED:
            lines.append(f"    {status} --> [*]")
    return "\n".join(lines) + "\n"


def test_the_page_draws_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_DOCS") == "1":
        text = _DIAGRAM.sub(lambda _: diagram(), text)
        PAGE.write_text(text, encoding="utf-8")
    assert _DIAGRAM.findall(text) == [diagram()]


def test_the_page_explains_every_state() -> None:
    explained = re.findall(r"^\| ([A-Z]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert explained == [str(status) for status in Status]


def test_every_state_is_either_live_or_ended() -> None:
    assert sorted([*LIVE, *ENDED]) == sorted(Status)
    assert set(ENTERED_FROM) == set(Status)


def test_only_a_retry_brings_an_ended_run_back() -> None:
    ways_back = {(before, to) for to, befores in ENTERED_FROM.items() for before in befores if before in ENDED}
    assert ways_back == {(Status.FAILED, Status.QUEUED)}


@pytest.mark.django_db
@pytest.mark.parametrize("to", [Status.QUEUED, Status.CANCELLED])
@pytest.mark.parametrize("before", list(Status))
def test_a_move_is_possible_exactly_where_the_table_says_so(before: Status, to: Status) -> None:
    run = a_run(before)
    ended = clock.now() if to in ENDED else None
    moved = Run.objects.move(run.pk, to=to, run_at=None, ended_at=ended)
    assert moved == (before in ENTERED_FROM[to])
    after = Run.objects.get()
    assert (after.status, after.lease) == ((to, run.lease + 1) if moved else (before, run.lease))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.COMPLETED, "ended_at": None, "run_at": None},
        {"status": Status.SLEEPING, "ended_at": clock.now()},
        {"status": Status.RUNNING, "run_at": clock.now()},
        {"status": Status.FAILED, "ended_at": clock.now(), "run_at": clock.now()},
    ],
    ids=["ended_without_end", "live_with_end", "running_and_due", "ended_and_due"],
)
def test_the_database_refuses_states_that_make_no_sense(changes: dict[str, Any]) -> None:
    run = a_run(Status.QUEUED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(**changes)


def test_every_value_has_a_word_for_people() -> None:
    for choices in (types.Status, types.StepStatus, types.Source):
        assert all(label and label == label.strip() for label in choices.labels)
