"""What somebody does who has never seen the console, from the Overview alone, clicking what a person clicks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe

import jobs
import jobs.testing
from jobs import clock, identity
from jobs.models import Event, Run, Schedule
from jobs.registry import registry
from jobs.types import Status
from tests.jobs.factories import a_run, a_worker, an_error, an_event

pytestmark = pytest.mark.django_db(transaction=True)


class Service:
    """A service that is down until somebody repairs it."""

    up = False


@pytest.fixture
def service() -> Iterator[Service]:
    """The service, and a function that asks it; its runs are about transcripts."""
    asked = Service()
    with registry.isolated():

        def ask() -> str:
            if not asked.up:
                raise jobs.NonRetriableError("the speech service is down")
            return "42 turns"

        @jobs.create_function(
            fn_id="parse",
            trigger=jobs.TriggerEvent(event="call/uploaded"),
            subject="transcripts.transcript/{call}",
        )
        def parse(ctx: jobs.ContextSync) -> str:
            """Turn a call into text."""
            ctx.step.run("read-file", lambda: "read")
            return ctx.step.run("ask-service", ask)

        # What the console itself needs, which an isolated registry has lost.
        from jobs.bulk import bulk

        registry.add(bulk)
        a_worker()
        yield asked


def upload(*calls: int) -> None:
    for call in calls:
        jobs.send_sync(jobs.Event(name="call/uploaded", data={"call": call, "token": "s3cret"}))
    jobs.testing.drain()


def test_find_why_the_last_run_failed_retry_it_and_see_it_succeed(operator: Any, service: Service) -> None:
    upload(7)
    operator.goto("/admin/")
    operator.get_by_role("link", name="the speech service is down").click()
    operator.get_by_role("heading", name="Failed in ask-service").wait_for()
    service.up = True
    operator.get_by_role("button", name="Retry from ask-service").click()
    operator.get_by_text("is queued again").wait_for()
    jobs.testing.drain()
    operator.locator("#run .badge.is-completed").wait_for()
    assert Run.objects.get().output == "42 turns"


def test_retry_all_failures_of_one_kind_from_the_overview(operator: Any, service: Service) -> None:
    upload(1, 2, 3)
    service.up = True
    operator.goto("/admin/")
    operator.get_by_role("button", name="Retry all 3…").click()
    operator.get_by_role("heading", name="Retry 3 runs?").wait_for()
    operator.get_by_role("button", name="Retry 3 runs").click()
    operator.get_by_text("Retried 3 of 3 runs.").wait_for()
    jobs.testing.drain()
    operator.reload()
    operator.get_by_text("No run has failed in the last 24 hours.").wait_for()


def test_find_every_run_of_one_transcript(operator: Any, service: Service) -> None:
    upload(7, 8, 7)
    operator.goto("/admin/")
    operator.get_by_role("link", name="Runs").first.click()
    operator.get_by_role("link", name="All runs of Transcript 7").first.click()
    operator.get_by_text("Only runs of Transcript 7").wait_for()
    assert operator.locator("table.runs tbody tr").count() == 2


def test_pause_a_function_see_what_queued_and_resume_it(operator: Any, service: Service) -> None:
    service.up = True
    operator.goto("/admin/")
    operator.get_by_role("link", name="Functions").click()
    operator.get_by_role("link", name="parse", exact=True).click()
    operator.get_by_role("button", name="Pause parse").click()
    operator.get_by_text("Nothing has queued meanwhile.").wait_for()
    upload(1, 2)
    operator.reload()
    operator.get_by_role("link", name="2 runs wait until it is resumed").click()
    operator.get_by_text("its function is paused").first.wait_for()
    assert operator.locator("table.runs tbody tr").count() == 2
    operator.go_back()
    operator.get_by_role("button", name="Resume parse").click()
    operator.get_by_text("goes on, with what has queued first").wait_for()
    jobs.testing.drain()
    assert set(Run.objects.values_list("status", flat=True)) == {Status.COMPLETED}


def test_run_from_a_step_of_a_failed_run(operator: Any, service: Service) -> None:
    upload(7)
    service.up = True
    operator.goto(f"/admin/jobs/run/{Run.objects.get().pk}/")
    operator.locator("summary", has_text="Details of ask-service").click()
    operator.get_by_role("link", name="Run from ask-service…").click()
    operator.get_by_role("button", name="Run from ask-service").click()
    operator.get_by_text("which goes on from ask-service").wait_for()
    jobs.testing.drain()
    operator.locator("#run .badge.is-completed").wait_for()


def test_send_an_event_again_with_edited_data(operator: Any, service: Service) -> None:
    service.up = True
    upload(7)
    operator.goto("/admin/")
    operator.get_by_role("link", name="Events").click()
    operator.get_by_role("link", name="call/uploaded").click()
    operator.get_by_role("link", name="Send again…").click()
    data = operator.get_by_label("Data")
    assert "•••" in data.input_value()
    data.fill(data.input_value().replace("7", "9"))
    operator.get_by_role("button", name="Send event").click()
    operator.get_by_text("Sent call/uploaded. It started 1 run.").wait_for()
    assert Event.objects.latest("received_at").data == {"call": 9, "token": "s3cret"}


def test_replay_yesterdays_failures(operator: Any, service: Service) -> None:
    yesterday = clock.now().replace(hour=12) - timedelta(days=1)
    for number in range(3):
        event = an_event("call/uploaded", data={"call": number})
        first = UUID(int=identity.first_of(yesterday).int + number)
        a_run(Status.FAILED, id=first, events=[event], function="stepwell-parse", error=an_error(), queued_at=yesterday)
    upload(9)
    service.up = True
    operator.goto("/admin/")
    operator.locator("#stat-failed").click()
    operator.get_by_label("Time").select_option("Yesterday")
    operator.wait_for_url("**time=yesterday**")
    operator.get_by_label("Which runs").select_option("all")
    operator.get_by_role("button", name="Replay…").click()
    operator.get_by_role("heading", name="Replay 3 runs?").wait_for()
    operator.get_by_label("Start them").select_option("over a minute")
    operator.get_by_role("button", name="Replay 3 runs").click()
    operator.get_by_text("Replay is under way").wait_for()
    for _ in range(3):
        jobs.testing.drain()
        clock.shift(timedelta(seconds=21))
    jobs.testing.drain()
    clock.shift(timedelta(seconds=-63))
    operator.locator("#run .badge.is-completed").wait_for()
    assert Run.objects.filter(rerun_of__isnull=False, status=Status.COMPLETED).count() == 3


def test_run_a_function_now_and_a_schedule_now(operator: Any, service: Service) -> None:
    service.up = True
    operator.goto("/admin/")
    operator.get_by_role("link", name="Functions").click()
    operator.get_by_role("link", name="parse", exact=True).click()
    operator.get_by_role("button", name="Run now…").click()
    operator.get_by_label("Data of the event").fill('{"call": 5}')
    operator.get_by_role("button", name="Run now", exact=True).click()
    operator.get_by_text("Started stepwell-parse").wait_for()
    assert Run.objects.get().subject == "transcripts.transcript/5"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialogs_and_questions_are_accessible(operator: Any, service: Service, scheme: str) -> None:
    upload(1)
    Schedule.objects.create(function="stepwell-parse", cron="17 3 * * *", next_at=clock.now(), paused=True)
    operator.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    run = Run.objects.get()
    for address, press in (
        (f"/admin/jobs/run/{run.pk}/", "Run again…"),
        ("/admin/jobs/function/stepwell-parse/", "Run now…"),
        ("/admin/jobs/schedule/", ""),
        ("/admin/", "Retry…"),
    ):
        operator.goto(address)
        if press:
            operator.get_by_role("button", name=press).click()
            operator.wait_for_load_state()
        found = Axe().run(operator)
        assert found.violations_count == 0, f"{address}\n{found.generate_report()}"


def test_everything_is_reached_and_done_with_the_keyboard_alone(operator: Any, service: Service) -> None:
    upload(7)
    service.up = True
    operator.goto("/admin/")
    operator.keyboard.press("Tab")
    assert operator.evaluate("document.activeElement.textContent") == "Skip to content"
    operator.keyboard.press("Enter")
    for _ in range(40):
        operator.keyboard.press("Tab")
        if operator.evaluate("document.activeElement.textContent") == "the speech service is down":
            break
    operator.keyboard.press("Enter")
    operator.wait_for_url("**/run/**")
    operator.locator("#retry").focus()
    operator.keyboard.press("Enter")
    operator.get_by_text("is queued again").wait_for()


def test_a_refresh_waits_while_the_pointer_moves_over_the_page(operator: Any, service: Service) -> None:
    run = a_run(Status.RUNNING, function="stepwell-parse")
    operator.goto(f"/admin/jobs/run/{run.pk}/")
    asked: list[str] = []
    operator.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    box = operator.locator("#run").bounding_box()
    for number in range(26):
        operator.mouse.move(box["x"] + 40 + number, box["y"] + 40)
        operator.wait_for_timeout(100)
    assert asked == []
    operator.wait_for_timeout(4100)
    assert asked
