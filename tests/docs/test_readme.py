"""The README keeps its promises: its function runs as shown, and its commands are those that exist."""

import re
from datetime import timedelta
from typing import Any

import pytest

import jobs
from bench.__main__ import report
from jobs import testing
from jobs.models import Run
from jobs.types import Status
from tests.docs import pages

TEXT = (pages.ROOT / "README.md").read_text()
SECTIONS = pages.sections(TEXT)


def snippet() -> str:
    [code] = pages.blocks(SECTIONS["A function of your own"], "python")
    return code


@pytest.mark.django_db
def test_the_function_of_the_readme_sleeps_and_ends_as_shown() -> None:
    with testing.registry():
        names: dict[str, Any] = {"__name__": "orders.functions"}
        exec(compile(snippet(), "README.md", "exec"), names)
        [event_id] = jobs.send_sync(jobs.Event(name="order/placed", data={"order": "A7", "cents": 1250}))
        testing.drain()
        assert Run.objects.get().status == Status.SLEEPING
        with testing.shift_clock(timedelta(seconds=5)):
            testing.drain()
    run = Run.objects.get(events=event_id)
    assert (run.status, run.output) == (Status.COMPLETED, {"order": "A7", "charge": "charge-A7-1250"})
    shown = pages.blocks(SECTIONS["A function of your own"], "")[0]
    assert [step.name for step in run.journal.all()] == re.findall(r"✓ ([a-z-]+)(?:  |\n)", shown)


def test_the_function_of_the_readme_fits_on_a_screen() -> None:
    lines = snippet().splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 120


def test_the_make_commands_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (pages.ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in pages.documents():
        named = set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)`", document.read_text()))
        assert named <= targets, document


def test_the_figures_have_a_row_for_each_line_of_the_bench(capsys: pytest.CaptureFixture[str]) -> None:
    figure = 1.0
    report(
        {
            **dict.fromkeys(("floor_us", "step_us", "drain_per_s", "kill9_resume_s", "idle_pss_mb"), figure),
            "drain_rounds": [figure],
            "latency_ms": dict.fromkeys(("p50", "p95", "p99"), figure),
            "io500": dict.fromkeys(("wall_s", "connections", "pss_mb"), figure),
            "claim_ms": dict.fromkeys(("empty", "million"), figure),
            "beside_limits": dict.fromkeys(("claim_ms", "claim_ratio", "agenda_ms", "agenda_ratio"), figure),
            "fan_out_ms": figure,
            "steps_us": dict.fromkeys(("100", "1000"), figure),
            "wide300_s": figure,
            "waits_ms": dict.fromkeys(("one", "nobody", "evaluated"), figure),
        }
    )
    printed = [line for line in capsys.readouterr().out.splitlines()[1:] if line.strip()]
    rows = [line for line in SECTIONS["Figures"].splitlines() if line.startswith("| ")]
    assert len(rows) - 1 == len(printed)
