"""The console in a real browser: no violation of its own rules, for eyes, keys and phones."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from jobs.models import Event, FunctionState, Run, Wait
from jobs.types import Op, Status, StepStatus
from tests.jobs.factories import a_line, a_run, a_step, a_worker, an_attempt, an_error, an_event

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def failed() -> Run:
    """A run that failed after two attempts of its second step, among others."""
    a_worker(busy=2)
    an_event("nobody/listens")
    for status in (Status.QUEUED, Status.COMPLETED, Status.CANCELLED):
        a_run(status)
    waiting = a_run(Status.WAITING)
    a_step(waiting, "approval", StepStatus.WAITING, op=Op.WAIT_FOR_EVENT, wake_at=waiting.run_at, output=None)
    now = waiting.queued_at
    Wait.objects.create(run=waiting.pk, step="x", event="order/approved", registered_at=now, since=now, snapshot="")
    FunctionState.objects.create(id="stepwell-hello-world", paused=True, paused_at=now, paused_by="olga")
    run = a_run(Status.FAILED, error=an_error(step="ask"), attempt=1, subject="transcripts.transcript/42")
    a_step(run, "read")
    attempts = [an_attempt(1, run.started_at), an_attempt(2, run.started_at)]
    a_step(run, "ask", StepStatus.FAILED, attempts=attempts, error=an_error(), output=None)
    a_line(run, "412 turns", step="read")
    return run


def addresses(run: Run) -> list[str]:
    event = run.events.get()
    return [
        "/admin/",
        "/admin/jobs/run/",
        f"/admin/jobs/run/{run.pk}/",
        "/admin/jobs/event/",
        f"/admin/jobs/event/{event.pk}/",
        f"/admin/jobs/event/send/?name={event.name}",
        "/admin/jobs/event/signal/?name=order-7",
        "/admin/jobs/eventkey/",
        "/admin/jobs/worker/",
        "/admin/jobs/schedule/",
        "/admin/jobs/function/",
        "/admin/jobs/function/stepwell-hello-world/",
        "/admin/?span=7d",
        f"/admin/jobs/run/{run.pk}/from/?step=ask",
        f"/admin/jobs/run/{Run.objects.get(status=Status.WAITING).pk}/",
        "/admin/jobs/run/?status=failed&error=503&subject=transcripts.transcript/42",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(operator: Any, failed: Run, scheme: str) -> None:
    operator.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for address in addresses(failed):
        operator.goto(address)
        operator.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found = Axe().run(operator)
        assert found.violations_count == 0, f"{address}\n{found.generate_report()}"


def test_no_page_scrolls_sideways_on_a_phone(operator: Any, failed: Run) -> None:
    operator.set_viewport_size(PHONE)
    for address in [*addresses(failed), "/admin/auth/user/"]:
        operator.goto(address)
        assert operator.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


def test_the_menu_of_a_phone_opens_and_closes_with_the_keyboard(operator: Any, failed: Run) -> None:
    operator.set_viewport_size(PHONE)
    operator.goto("/admin/")
    events = operator.get_by_role("link", name="Events")
    assert not events.is_visible()
    operator.get_by_role("button", name="Menu").press("Enter")
    events.wait_for(state="visible")
    operator.keyboard.press("Escape")
    events.wait_for(state="hidden")


def test_a_sleeping_run_is_refreshed_without_closing_what_is_open(operator: Any) -> None:
    run = a_run(Status.RUNNING, current_step="ask")
    a_step(run, "read")
    a_line(run, "412 turns", step="read")
    operator.goto(f"/admin/jobs/run/{run.pk}/")
    operator.locator("summary", has_text="Details of read").press("Enter")
    operator.get_by_role("button", name="Cancel run…").focus()
    a_step(run, "ask")
    operator.locator("#run th", has_text="ask").wait_for()
    operator.locator("#run summary", has_text="Details of ask").wait_for()
    assert operator.locator("details[open] summary").all_inner_texts() == ["Details of read"]
    assert operator.evaluate("document.activeElement.id") == "cancel-open"


def test_an_ended_run_stops_asking(operator: Any) -> None:
    run = a_run(Status.RUNNING)
    operator.goto(f"/admin/jobs/run/{run.pk}/")
    Run.objects.filter(pk=run.pk).update(status=Status.COMPLETED, ended_at=run.queued_at)
    operator.get_by_text("Completed").first.wait_for()
    assert operator.locator("#run[hx-get]").count() == 0


def test_the_live_switch_stops_the_refreshing(operator: Any) -> None:
    run = a_run(Status.RUNNING)
    operator.goto(f"/admin/jobs/run/{run.pk}/")
    operator.keyboard.press("r")
    asked: list[str] = []
    operator.on("request", lambda request: asked.append(request.url) if "/live/" in request.url else None)
    operator.wait_for_timeout(2400)
    assert asked == []
    operator.keyboard.press("r")
    operator.wait_for_timeout(2400)
    assert asked


def test_retry_is_one_press_and_run_again_takes_edited_data(operator: Any, failed: Run) -> None:
    operator.goto(f"/admin/jobs/run/{failed.pk}/")
    operator.get_by_role("button", name="Run again…").press("Enter")
    operator.get_by_label("Event data").fill('{"email": "grace@example.com"}')
    operator.get_by_role("dialog").get_by_role("button", name="Run again").click()
    operator.get_by_text("Started stepwell-hello-world").wait_for()
    assert Run.objects.get(rerun_of=failed.pk).events.get().data == {"email": "grace@example.com"}
    operator.goto(f"/admin/jobs/run/{failed.pk}/")
    operator.get_by_role("button", name="Retry from ask").click()
    operator.get_by_text("is queued again").wait_for()
    assert Run.objects.get(pk=failed.pk).status == Status.QUEUED


def test_a_dialog_gives_the_focus_back(operator: Any) -> None:
    run = a_run(Status.SLEEPING)
    a_step(run, "nap", StepStatus.SLEEPING, op=Op.SLEEP, wake_at=run.run_at, output=None)
    operator.goto(f"/admin/jobs/run/{run.pk}/")
    operator.get_by_role("button", name="Cancel run…").press("Enter")
    operator.get_by_role("button", name="Keep it").press("Enter")
    assert operator.evaluate("document.activeElement.id") == "cancel-open"


def test_sending_an_event_offers_the_last_data_while_the_name_is_typed(operator: Any, failed: Run) -> None:
    operator.goto("/admin/jobs/event/send/")
    operator.get_by_label("Name").press_sequentially("test/hello.world")
    operator.locator("#data", has_text="ada@example.com").wait_for()
    operator.get_by_role("button", name="Send event").click()
    operator.get_by_text("Sent test/hello.world").wait_for()
    assert Event.objects.filter(name="test/hello.world", sender="olga").count() == 1


def test_the_theme_can_be_switched_against_the_system(operator: Any) -> None:
    operator.emulate_media(color_scheme="light")
    operator.goto("/admin/")
    before = operator.evaluate("getComputedStyle(document.body).backgroundColor")
    operator.get_by_role("button", name="Switch between").click()
    assert operator.evaluate("getComputedStyle(document.body).backgroundColor") != before
