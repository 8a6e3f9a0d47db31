"""How the console puts things into words: times, JSON, errors, and what the sidebar offers to whom."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from jobs import clock
from jobs.admin import navigation, payload
from jobs.models import Run
from jobs.types import Status, StepStatus
from tests.jobs.admin import a_user
from tests.jobs.factories import a_run, a_step


def render(template: str, **context: object) -> str:
    return Template("{% load jobs_console %}" + template).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 ms"),
        (0.0001, "&lt; 1 ms"),
        (0.012, "12 ms"),
        (1.24, "1.2 s"),
        (59.97, "1 min"),
        (184, "3 min 4 s"),
        (7500, "2 h 5 min"),
        (270_000, "3 d 3 h"),
    ],
)
def test_lengths_of_time_are_said_as_people_say_them(seconds: float | None, words: str) -> None:
    assert render("{{ seconds|took }}", seconds=seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(0, "now"), (40, "40 s ago"), (200, "3 min ago"), (-7300, "in 2 h")])
def test_times_are_relative_and_carry_the_exact_one(seconds: float, words: str) -> None:
    html = render("{{ moment|ago }}", moment=clock.now() - timedelta(seconds=seconds))
    assert re.fullmatch(rf'<time datetime="[^"]+\+00:00" title="[^"]+ UTC" data-ago>{words}</time>', html)


def test_a_badge_is_glyph_word_and_colour() -> None:
    html = render('{% status_badge "FAILED" %}')
    assert html == '<span class="badge is-failed"><i aria-hidden="true">✕</i>Failed</span>'


def test_an_id_shows_its_end_and_copies_all_of_it() -> None:
    html = render("{{ id|short_id }}", id="01900000-0000-7000-8000-0000deadbeef")
    assert 'data-copy="01900000-0000-7000-8000-0000deadbeef"' in html
    assert html.endswith(">deadbeef</button>")


def test_secret_keys_are_hidden_at_any_depth_and_in_any_case() -> None:
    value = {"a": [{"Authorization": "Bearer x", "n": 1}], "password": {"deep": True}}
    assert payload.redacted(value) == {"a": [{"Authorization": "•••", "n": 1}], "password": "•••"}


def test_an_outline_has_keys_and_types_but_no_values() -> None:
    value = {"name": "Ada", "age": 36, "ok": True, "none": None, "list": [{"x": 1}, {"x": 2}], "empty": []}
    assert payload.outline(value) == {
        "name": "text",
        "age": "number",
        "ok": "true or false",
        "none": "empty",
        "list": [{"x": "number"}, "… 2 in all"],
        "empty": [],
    }


def test_what_was_hidden_comes_back_after_an_edit_and_the_rest_stays_edited() -> None:
    original = {"token": "s3cret", "list": [{"secret": "a"}], "n": 1}
    edited = {"token": "•••", "list": [{"secret": "•••"}, {"n": 3}], "n": 2}
    assert payload.restored(edited, original) == {"token": "s3cret", "list": [{"secret": "a"}, {"n": 3}], "n": 2}


@pytest.mark.parametrize(
    "edited", [{"token": "s", "new": "•••"}, {"list": [{"secret": "•••"}, {"secret": "•••"}, {"secret": "•••"}]}]
)
def test_dots_with_nothing_hidden_behind_them_are_refused(edited: dict[str, Any]) -> None:
    original = {"token": "s3cret", "list": [{"secret": "a"}, {"secret": "b"}]}
    with pytest.raises(payload.UnreadableJSON, match="type the value"):
        payload.restored(edited, original)


def test_long_values_are_cut_and_say_so() -> None:
    text = payload.shown("x" * 100_000, full=True)
    assert len(text) < payload.LIMIT + 100
    assert "100,002 characters in all" in text


def test_many_lines_are_folded_and_few_are_not() -> None:
    long, short = list(range(60)), list(range(5))
    assert "Show all 62 lines" in render("{% payload_json value True %}", value=long)
    assert "<details" not in render("{% payload_json value True %}", value=short)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ({"message": "Traceback\n503 busy\n\n"}, "503 busy"),
        ({"name": "KeyError", "message": ""}, "KeyError"),
        ({"message": "odd \ud800\0"}, "odd \\ud800␀"),
        (None, ""),
    ],
)
def test_of_an_error_people_read_the_last_line(error: object, line: str) -> None:
    assert payload.last_line(error) == line


@pytest.mark.django_db
def test_steps_in_a_line_show_what_is_done_and_what_runs_now() -> None:
    run = a_run(Status.RUNNING, current_step="parse-transcript")
    a_step(run, "read-file")
    a_step(run, "nap", StepStatus.SLEEPING, op="sleep", wake_at=clock.now() + timedelta(hours=1), output=None)
    html = render("{% run_steps run %}", run=Run.objects.get(pk=run.pk))
    assert re.findall(r"</i>([^<]+)<span[^>]*>: (\w+)<", html) == [
        ("read-file", "completed"),
        ("nap", "sleeping"),
        ("parse-transcript", "running"),
    ]


@pytest.mark.django_db
def test_the_sidebar_offers_only_what_somebody_may_open() -> None:
    request = RequestFactory().get("/admin/jobs/run/")
    request.user = a_user("rita", "view_run")
    assert offered(request) == ["Overview", "Runs", "Functions"]
    request.user = a_user("eve", "view_run", staff=False)
    assert offered(request) == []


def offered(request: Any) -> list[str]:
    """Return what the sidebar offers of the engine; a product may be for everybody."""
    return [entry.words for group in navigation.groups(request) if group.words != "Products" for entry in group.entries]


def test_a_traceback_has_our_frames_in_bold_and_nothing_unescaped() -> None:
    stack = "openai/client.py:3 in call\n    <go>\n[engine] jobs/step.py:9 in run\ntranscripts/ask.py:12 in ask\n    go"
    html = render("{{ stack|traceback }}", stack=stack)
    assert "<b>transcripts/ask.py:12 in ask</b>" in html
    assert html.count("<b>") == 1
    assert "&lt;go&gt;" in html
