"""jobs.testing.sent, assert_sent and sending: what was sent, as a test asks for it."""

import pytest

import jobs
from jobs import testing
from tests.jobs.conftest import Engine


def test_events_are_found_by_name_and_by_some_of_their_data(engine: Engine) -> None:
    engine.send("order/placed", {"order": 1, "total": 5})
    engine.send("order/placed", {"order": 2, "total": 5})
    engine.send("user/seen")
    assert [event.data["order"] for event in testing.sent("order/placed")] == [1, 2]
    assert [event.data["order"] for event in testing.sent("order/placed", data={"order": 2})] == [2]
    assert [event.name for event in testing.sent(data={"total": 5})] == ["order/placed"] * 2
    assert testing.sent("order/placed", data={"missing": None}) == []
    assert len(testing.sent()) == 3


def test_a_missing_event_is_told_with_what_was_sent_instead(engine: Engine) -> None:
    engine.send("order/placed", {"order": 1})
    [event] = testing.assert_sent("order/placed", data={"order": 1}, times=1)
    assert event.data == {"order": 1}
    with pytest.raises(AssertionError, match=r"order/paid was not sent. Sent was:\n  order/placed \{'order': 1\}"):
        testing.assert_sent("order/paid")
    with pytest.raises(AssertionError, match="was not sent 2 times but 1"):
        testing.assert_sent("order/placed", times=2)
    testing.assert_sent("order/paid", times=0)


def test_a_block_collects_what_is_sent_in_it(engine: Engine) -> None:
    engine.send("before/it")
    with testing.sending() as events:
        engine.send("in/it", {"n": 1})
    engine.send("after/it")
    assert [(event.name, event.data) for event in events] == [("in/it", {"n": 1})]


def test_the_engines_own_events_are_found_by_name_only(engine: Engine) -> None:
    def body(ctx: jobs.ContextSync) -> None:
        raise jobs.NonRetriableError("no")

    engine.execute(body)
    assert [event.name for event in testing.sent()] == ["test/event"]
    assert testing.sent("jobs/function.failed", data={"function_id": "stepwell-work"})
