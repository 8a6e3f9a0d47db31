"""What operators steer in the engine from its pages: pausing, waking, going on from a step, and what runs wait for."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

import jobs
from jobs import testing
from jobs.models import FunctionState, Run
from jobs.types import Status
from tests.jobs.admin import operator, signed_in
from tests.jobs.conftest import Engine

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> Client:
    return operator()


def page(client: Client, run: Run) -> str:
    return client.get(reverse("admin:jobs_run_change", args=[run.pk])).content.decode()


def press(client: Client, name: str, *arguments: object, **data: str) -> str:
    return client.post(reverse(f"admin:jobs_{name}", args=arguments), data, follow=True).content.decode()


def test_a_paused_function_queues_and_its_page_tells_what_waits(olga: Client, engine: Engine) -> None:
    engine.define(lambda ctx: "done")
    assert "is paused" in press(olga, "function_pause", "stepwell-work")
    for _ in range(2):
        engine.send()
    testing.drain()
    html = olga.get(reverse("admin:jobs_function", args=["stepwell-work"])).content.decode()
    assert "2 runs wait until it is resumed" in html
    assert "by olga" in html
    assert "was paused" in olga.get("/admin/").content.decode()
    listed = olga.get("/admin/jobs/run/?function=stepwell-work&status=queued")
    assert len(listed.context["rows"]) == 2
    assert "its function is paused" in listed.content.decode()
    assert "goes on" in press(olga, "function_resume", "stepwell-work")
    testing.drain()
    assert set(Run.objects.values_list("status", flat=True)) == {Status.COMPLETED}


def test_pausing_twice_is_said_in_words_and_recorded_once(olga: Client, engine: Engine) -> None:
    engine.define(lambda ctx: "done")
    press(olga, "function_pause", "stepwell-work")
    assert "in that state already" in press(olga, "function_pause", "stepwell-work")
    assert FunctionState.objects.get().paused_by == "olga"
    assert LogEntry.objects.count() == 1
    assert "<td>olga</td><td>Paused.</td>" in olga.get("/admin/jobs/function/stepwell-work/").content.decode()


def test_pausing_needs_its_own_permission(engine: Engine) -> None:
    engine.define(lambda ctx: "done")
    rita = signed_in("rita", "view_run", "send_event")
    assert rita.post(reverse("admin:jobs_function_pause", args=["stepwell-work"])).status_code == 403
    assert "Pause" not in rita.get("/admin/jobs/function/").content.decode()


def test_a_sleeping_run_is_woken(olga: Client, engine: Engine) -> None:
    def nap(ctx: jobs.ContextSync) -> str:
        ctx.step.sleep("nap", timedelta(hours=3))
        return "awake"

    run = engine.execute(nap)
    assert "Wake now" in page(olga, run)
    assert "goes on now" in press(olga, "run_wake", run.pk)
    assert engine.drained(run).output == "awake"
    assert "nothing to wake" in press(olga, "run_wake", run.pk)


def test_a_run_goes_on_from_a_chosen_step_with_other_data(olga: Client, engine: Engine) -> None:
    called: list[str] = []

    def work(ctx: jobs.ContextSync) -> list[str]:
        ctx.step.run("first", called.append, "first")
        ctx.step.run("second", called.append, ctx.event.data["word"])
        return called

    run = engine.execute(work, {"word": "old", "token": "s3cret"})
    assert "Run from second…" in page(olga, run)
    asked = olga.get(reverse("admin:jobs_run_from", args=[run.pk]), {"step": "second"}).content.decode()
    assert "It keeps what the 1 step before returned" in asked
    assert "s3cret" not in asked
    html = press(olga, "run_from_step", run.pk, step="second", data='{"word": "new", "token": "•••"}')
    assert "which goes on from second" in html
    fresh = Run.objects.get(rerun_of=run.pk)
    engine.drained(fresh)
    assert called == ["first", "old", "new"]
    assert fresh.events.get().data == {"word": "new", "token": "s3cret"}


def test_going_on_from_a_step_points_at_wrong_json_and_knows_unknown_steps(olga: Client, engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.run("only", lambda: 1))
    assert "Line 1, column" in press(olga, "run_from_step", run.pk, step="only", data="{oops")
    assert "has no step" in press(olga, "run_from_step", run.pk, step="gone")
    assert olga.get(reverse("admin:jobs_run_from", args=[run.pk]), {"step": "gone"}).status_code == 404
    assert Run.objects.count() == 1


def test_a_waiting_run_tells_for_what_and_offers_to_send_it(olga: Client, engine: Engine) -> None:
    def wait(ctx: jobs.ContextSync) -> object:
        return ctx.step.wait_for_event("approval", event="order/approved", timeout=timedelta(hours=1))

    run = engine.execute(wait)
    assert run.status == Status.WAITING
    html = page(olga, run)
    assert "order/approved" in html
    assert "/admin/jobs/event/send/?name=order/approved" in html
    assert olga.get("/admin/").context["asleep"] == 1
    engine.send("order/approved")
    testing.drain()
    assert "Received" in page(olga, run)


def test_a_run_and_the_one_it_invoked_lead_to_each_other(olga: Client, engine: Engine) -> None:
    child = engine.define(lambda ctx: "from the child", on="child/never", fn_id="child")

    def parent(ctx: jobs.ContextSync) -> object:
        return ctx.step.invoke("ask", function=child)

    run = engine.execute(parent)
    other = Run.objects.get(parent_run=run.pk)
    assert str(other.pk) in page(olga, run)
    html = page(olga, other)
    assert "Invoked by" in html
    assert str(run.pk) in html


def test_a_queued_run_tells_behind_which_key_it_waits(olga: Client, engine: Engine) -> None:
    engine.define(lambda ctx: None, throttle=jobs.Throttle(limit=1, period=timedelta(hours=1)))
    for _ in range(2):
        engine.send()
    testing.drain()
    waiting = Run.objects.get(status=Status.QUEUED)
    assert "waits for its turn" in page(olga, waiting)
    assert olga.get("/admin/").context["queued"] == 1


def test_limits_are_said_in_words(olga: Client, engine: Engine) -> None:
    engine.define(
        lambda ctx: None,
        concurrency=[jobs.Concurrency(limit=3, key="event.data.client")],
        throttle=jobs.Throttle(limit=5, period=timedelta(minutes=1)),
        timeouts=jobs.Timeouts(finish=timedelta(hours=1)),
        cancel=[jobs.Cancel(event="order/withdrawn", match_all=True)],
        singleton=jobs.Singleton(mode="skip"),
        idempotency="event.data.order",
    )
    html = olga.get("/admin/jobs/function/stepwell-work/").content.decode()
    for words in (
        "3 at once for each event.data.client",
        "5 starts per 1 min, the rest wait",
        "ends within 1 h, or is cancelled",
        "cancelled by order/withdrawn",
        "one at a time, a second one is skipped",
        "once in 24 h for each event.data.order",
    ):
        assert words in html


def test_an_event_tells_why_it_did_not_start_a_function(olga: Client, engine: Engine) -> None:
    engine.define(lambda ctx: None, rate_limit=jobs.RateLimit(limit=1, period=timedelta(hours=1)))
    engine.send()
    second = engine.send()
    html = olga.get(reverse("admin:jobs_event_change", args=[second])).content.decode()
    assert "It did not start stepwell-work" in html
    assert "Held back" in olga.get("/admin/jobs/event/").content.decode()


def test_the_signal_a_run_waits_for_is_sent_from_its_page(olga: Client, engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.step.wait_for_signal("approval", "order-7", timeout=timedelta(hours=1)))
    html = page(olga, run)
    assert "the signal" in html
    assert "/admin/jobs/event/signal/?name=order-7" in html
    assert 'value="order-7"' in olga.get("/admin/jobs/event/signal/?name=order-7").content.decode()
    answer = olga.post("/admin/jobs/event/signal/", {"name": "order-7", "data": '["yes", 2]'}, follow=True)
    assert "Sent the signal order-7" in answer.content.decode()
    assert engine.drained(run).output == ["yes", 2]
    assert LogEntry.objects.get().change_message == "Sent the signal order-7."


@pytest.mark.parametrize(("name", "data"), [("go", "{"), ("", "{}"), ("x" * 256, "{}")])
def test_a_signal_that_cannot_be_sent_comes_back_with_words(olga: Client, engine: Engine, name: str, data: str) -> None:
    answer = olga.post("/admin/jobs/event/signal/", {"name": name, "data": data})
    assert (answer.status_code, b'id="problem"' in answer.content) == (400, True)
