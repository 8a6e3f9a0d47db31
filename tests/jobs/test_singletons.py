"""Singletons: one run lives for each value of a key; another is skipped, or takes its place."""

from datetime import timedelta
from typing import Any

import pytest

import jobs
from jobs import actions, testing
from jobs.errors import RefusedByRule
from jobs.models import Run, Wait
from jobs.types import Status
from tests.jobs.conftest import Engine
from tests.jobs.flowing import milliseconds, send, statuses


def single(engine: Engine, mode: Any, **options: Any) -> list[int]:
    """Define a function that sleeps a minute before it notes its number."""
    seen: list[int] = []

    def body(ctx: jobs.ContextSync) -> None:
        ctx.step.sleep("pause", timedelta(minutes=1))
        seen.append(ctx.event.data["n"])

    engine.define(body, singleton=jobs.Singleton(mode=mode, key=options.pop("key", None)), **options)
    return seen


def test_a_second_run_is_skipped_and_says_why(engine: Engine) -> None:
    seen = single(engine, "skip")
    send([1])
    testing.drain()
    send([2])
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [1]
    first, second = Run.objects.order_by("queued_at", "id")
    assert (second.status, second.started_at, second.run_at) == (Status.SKIPPED, None, None)
    assert second.error["code"] == "singleton"
    assert str(first.pk) in second.error["message"]


def test_once_the_first_has_ended_another_may_live(engine: Engine) -> None:
    seen = single(engine, "skip")
    send([1])
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    send([2])
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [1, 2]


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_a_run_that_failed_or_was_cancelled_does_not_live(engine: Engine, how: str) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        raise jobs.NonRetriableError("no")

    engine.define(body, singleton=jobs.Singleton(mode="skip"))
    send([1])
    if how == "failed":
        testing.drain()
    else:
        actions.cancel(Run.objects.get(), by="ada")
    send([2])
    assert statuses()[1] == Status.QUEUED


def test_in_one_send_the_first_lives_and_the_others_are_skipped(engine: Engine) -> None:
    seen = single(engine, "skip")
    send([1, 2, 3])
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [1]
    assert sorted(statuses()) == ["COMPLETED", "SKIPPED", "SKIPPED"]


def test_a_new_run_takes_the_place_of_the_one_that_lives(engine: Engine) -> None:
    seen = single(engine, "cancel")
    send([1])
    testing.drain()
    send([2])
    testing.drain()
    first, second = Run.objects.order_by("queued_at", "id")
    assert (first.status, second.status) == (Status.CANCELLED, Status.SLEEPING)
    assert str(second.pk) in first.error["message"]
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [2]


def test_in_one_send_the_last_takes_the_place_of_all_before(engine: Engine) -> None:
    seen = single(engine, "cancel")
    send([1, 2, 3])
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [3]
    assert statuses().count("CANCELLED") == 2


def test_every_key_has_one_run_of_its_own(engine: Engine) -> None:
    seen = single(engine, "skip", key="event.data.user")
    for number, user in enumerate("abab"):
        send([number], user=user)
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [0, 1]


@pytest.mark.parametrize("mode", ["skip", "cancel"])
def test_a_key_that_is_false_switches_the_rule_off_for_that_event(engine: Engine, mode: str) -> None:
    seen = single(engine, mode, key="event.data.alone ? event.data.user : false")
    send([1], user="a", alone=True)
    testing.drain()
    send([2], user="a", alone=False)
    send([3], user="a", alone=False)
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert sorted(seen) == [1, 2, 3]


def test_a_run_whose_time_is_to_come_lives_already(engine: Engine) -> None:
    seen = single(engine, "skip")
    engine.send(data={"n": 1}, ts=milliseconds(minutes=5))
    send([2])
    engine.pass_time(minutes=6)
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert seen == [1]


def test_a_skipped_run_listens_for_nothing(engine: Engine) -> None:
    single(engine, "skip", cancel=[jobs.Cancel(event="stop", match_all=True)])
    send([1, 2])
    assert Wait.objects.count() == 1


def test_a_skipped_run_can_be_run_again_by_a_person(engine: Engine) -> None:
    seen = single(engine, "skip")
    send([1, 2])
    testing.drain()
    with pytest.raises(RefusedByRule):
        actions.rerun(Run.objects.get(status=Status.SKIPPED), by="ada")
    engine.pass_time(minutes=2)
    testing.drain()
    actions.rerun(Run.objects.get(status=Status.SKIPPED), by="ada")
    testing.drain()
    engine.pass_time(minutes=2)
    testing.drain()
    assert sorted(seen) == [1, 2]
