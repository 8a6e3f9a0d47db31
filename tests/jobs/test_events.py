"""The door: which events are accepted, which functions they start, when, and how often."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pydantic import ValidationError

import jobs
from jobs import clock, testing
from jobs.errors import InvalidEvent
from jobs.events import send
from jobs.models import Event, Run, SeenId
from jobs.types import Source, Status
from tests.jobs.conftest import Engine


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def started(engine: Engine, name: str, *patterns: str) -> list[str]:
    """Define a function for each pattern, send one event and return the patterns whose function it started."""
    for number, pattern in enumerate(patterns):
        engine.define(lambda ctx: None, fn_id=str(number), on=pattern)
    engine.send(name)
    return [patterns[int(run.function.removeprefix("stepwell-"))] for run in Run.objects.order_by("function")]


def test_an_event_starts_every_function_that_waits_for_its_name(engine: Engine) -> None:
    assert started(engine, "a/b", "a/b", "a/b", "a/c", "a", "a/b/c", "A/b") == ["a/b", "a/b"]


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("user/created", ["user/*"]),
        ("user/created.v2", ["user/*", "user/created.*"]),
        ("user/a/b", ["user/*"]),
        ("user/", []),
        ("user", []),
        ("users/created", []),
        ("user/createdx", ["user/*"]),
    ],
)
def test_a_wildcard_covers_what_follows_a_slash_or_dot(engine: Engine, name: str, starts: list[str]) -> None:
    assert started(engine, name, "user/*", "user/created.*") == starts


def test_a_function_starts_once_however_many_triggers_match(engine: Engine) -> None:
    triggers = [jobs.TriggerEvent(event=name) for name in ("user/created", "user/*", "user/created")]
    engine.define(lambda ctx: None, on=triggers)
    engine.send("user/created")
    assert Run.objects.count() == 1


def test_an_event_nobody_waits_for_is_stored(engine: Engine) -> None:
    event_id = engine.send("nobody/listens", {"n": 1})
    stored = Event.objects.get(pk=event_id)
    assert (stored.name, stored.data, stored.source, stored.duplicate) == ("nobody/listens", {"n": 1}, "event", False)
    assert Run.objects.count() == 0


def test_functions_see_the_event_with_its_id_and_time(engine: Engine) -> None:
    seen: list[jobs.Event] = []
    engine.define(lambda ctx: seen.extend([ctx.event, *ctx.events]))
    first = engine.send(data={"n": 1})
    engine.send(id="own-id", ts=ms(datetime(2020, 1, 1, tzinfo=UTC)))
    testing.drain()
    assert (seen[0], seen[2]) == (seen[1], seen[3])
    assert (seen[0].id, seen[0].name, seen[0].data) == (first, "test/event", {"n": 1})
    assert abs(seen[0].ts - ms(clock.now())) < 5000
    assert (seen[2].id, seen[2].ts) == ("own-id", 1_577_836_800_000)


@pytest.mark.parametrize("name", ["jobs/function.failed", "jobs/anything", "inngest/function.failed"])
def test_names_of_the_engine_are_refused_from_outside(engine: Engine, name: str) -> None:
    with pytest.raises(InvalidEvent, match="prefix that only the engine may use"):
        engine.send(name)
    assert Event.objects.count() == 0


@pytest.mark.parametrize(
    "fields",
    [{"name": "nul\0"}, {"name": chr(0xD83D)}, {"id": "nul\0"}, {"id": chr(0xD83D)}, {"id": "x" * 256}],
    ids=repr,
)
def test_names_and_ids_that_no_column_takes_are_refused_in_words(engine: Engine, fields: dict[str, str]) -> None:
    with pytest.raises(InvalidEvent, match=r"event 0: its (name|id) has"):
        jobs.send_sync(jobs.Event(name="a/b").model_copy(update=fields))


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "x" * 256}, {"name": 5}, {"data": []}, {"data": {1: 2}}])
def test_what_is_no_event_cannot_even_be_made(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        jobs.Event(**{"name": "a/b", **fields})


@pytest.mark.parametrize(
    "moment", [-1, 1, ms(datetime(1979, 12, 31, tzinfo=UTC)), ms(datetime(2100, 1, 2, tzinfo=UTC)), 10**18]
)
def test_a_time_outside_1980_to_2100_is_refused(engine: Engine, moment: int) -> None:
    with pytest.raises(InvalidEvent, match="is not in milliseconds between 1980 and 2100"):
        engine.send(ts=moment)


def test_one_bad_event_refuses_them_all_and_names_its_position(engine: Engine) -> None:
    events = [jobs.Event(name="a/b"), jobs.Event(name="jobs/no"), jobs.Event(name="a/b")]
    with pytest.raises(InvalidEvent, match="event 1:"):
        jobs.send_sync(events)
    assert Event.objects.count() == 0


@pytest.mark.parametrize("value", [b"bytes", object(), float("inf"), {b"bytes"}])
def test_data_that_json_cannot_carry_is_refused_by_name(engine: Engine, value: Any) -> None:
    with pytest.raises(InvalidEvent, match="test/event"):
        engine.send(data={"value": value})
    assert Event.objects.count() == 0


def test_data_is_stored_as_json_sees_it(engine: Engine) -> None:
    run = engine.execute(lambda ctx: ctx.event.data, {"on": datetime(2026, 3, 1, tzinfo=UTC), "pair": (1, 2)})
    assert run.output == {"on": "2026-03-01T00:00:00+00:00", "pair": [1, 2]}


def test_a_time_in_the_future_delays_the_run_and_not_the_event(engine: Engine) -> None:
    then = clock.now() + timedelta(hours=2)
    engine.define(lambda ctx: "done")
    engine.send(ts=ms(then))
    run = engine.drained(Run.objects.get())
    assert (run.status, ms(run.run_at)) == (Status.QUEUED, ms(then))
    assert (Event.objects.get().received_at - clock.now()).total_seconds() < 1
    assert engine.after(run, hours=2, seconds=-2).status == Status.QUEUED
    assert engine.after(run, seconds=2).output == "done"


def test_a_time_in_the_past_starts_the_run_now(engine: Engine) -> None:
    engine.define(lambda ctx: "done")
    engine.send(ts=ms(clock.now() - timedelta(days=400)))
    assert engine.drained(Run.objects.get()).output == "done"


def test_the_same_id_starts_a_function_once_within_a_day(engine: Engine) -> None:
    engine.define(lambda ctx: None)
    for _ in range(3):
        engine.send(id="order-7")
    events = list(Event.objects.order_by("id").values_list("duplicate", "external_id"))
    assert events == [(False, "order-7"), (True, "order-7"), (True, "order-7")]
    assert Run.objects.count() == 1


def test_after_a_day_the_same_id_counts_again(engine: Engine) -> None:
    engine.define(lambda ctx: None)
    engine.send(id="order-7")
    engine.pass_time(hours=23, minutes=59)
    engine.send(id="order-7")
    assert Run.objects.count() == 1
    engine.pass_time(minutes=1)
    for _ in range(2):
        engine.send(id="order-7")
    assert (Run.objects.count(), Event.objects.filter(duplicate=True).count()) == (2, 2)


def test_the_same_id_twice_in_one_send_is_a_duplicate(engine: Engine) -> None:
    engine.define(lambda ctx: None)
    sent = send([jobs.Event(name="test/event", id="same") for _ in range(3)] + [jobs.Event(name="test/event")])
    assert [one.duplicate for one in sent] == [False, True, True, False]
    assert [len(one.run_ids) for one in sent] == [1, 0, 0, 1]
    assert SeenId.objects.get().event == sent[0].event_id


def test_events_without_an_id_are_never_duplicates(engine: Engine) -> None:
    engine.define(lambda ctx: None)
    jobs.send_sync([jobs.Event(name="test/event") for _ in range(3)])
    assert (Run.objects.count(), SeenId.objects.count()) == (3, 0)


def test_two_connections_that_send_the_same_id_start_one_run(committing_engine: Engine, second_connection: Any) -> None:
    committing_engine.define(lambda ctx: None)

    def late() -> None:
        committing_engine.send(id="order-7")
        connection.close()

    sender = threading.Thread(target=late)
    with second_connection.transaction():
        # What the other process has written and not committed yet.
        second_connection.execute(
            "INSERT INTO jobs_seenid VALUES ('order-7', gen_random_uuid(), now() + interval '1 hour')"
        )
        sender.start()
        sender.join(0.3)
        assert (sender.is_alive(), Event.objects.count()) == (True, 0)
    sender.join(10)
    assert (Run.objects.count(), Event.objects.get().duplicate) == (0, True)


def test_send_tells_what_became_of_each_event(engine: Engine) -> None:
    engine.define(lambda ctx: None)
    [one, two] = send(
        [jobs.Event(name="test/event"), jobs.Event(name="other/event")], sender="shop", source=Source.HTTP
    )
    run = Run.objects.get()
    assert (one.run_ids, two.run_ids, run.trigger) == ((run.pk,), (), "test/event")
    assert run.events.get().pk == one.event_id
    assert set(Event.objects.values_list("source", "sender")) == {("http", "shop")}


def test_sending_nothing_is_fine(engine: Engine) -> None:
    assert jobs.send_sync([]) == []


TEMPLATES = [
    ("shop.order/{id}", "shop.order/7"),
    ("shop.order/{customer[id]}", "shop.order/9"),
    ("shop.order/{missing}", ""),
    ("shop.order/{id[x]}", ""),
    ("shop.order/{id.name}", ""),
    ("shop.order/{word:d}", ""),
    (None, ""),
    (lambda event: f"shop.order/{event.data['id'] + 1}", "shop.order/8"),
    (lambda event: f"shop.order/{event.data['missing']}", ""),
    (lambda event: "x" * 500, "x" * 200),
    (lambda event: 7, ""),
    (lambda event: None, ""),
    (lambda event: 1 / 0, ""),
]


@pytest.mark.parametrize(("subject", "expected"), TEMPLATES)
def test_a_run_knows_what_it_is_about(engine: Engine, subject: Any, expected: str) -> None:
    run = engine.start(lambda ctx: None, {"id": 7, "word": "x", "customer": {"id": 9}}, subject=subject)
    assert run.subject == expected
    assert list(Run.objects.about(expected)) == [run]
