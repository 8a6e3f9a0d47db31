"""Definitions: what a function is called, what is refused, and where it is found."""

from typing import Any

import pytest
from pydantic import ValidationError

import jobs
from jobs import testing
from jobs.errors import InvalidDefinition, UnknownFunction
from jobs.models import Run
from jobs.registry import registry
from tests.jobs.conftest import Engine


def work(ctx: jobs.ContextSync) -> None:
    """Do the work.

    And more of it.
    """


def other_work(ctx: jobs.ContextSync) -> None:
    pass


def test_a_function_knows_its_names_and_where_it_is_defined(engine: Engine) -> None:
    function = engine.define(work)
    assert (function.id, function.fn_id, function.name) == ("stepwell-work", "work", "work")
    assert function.description == "Do the work."
    assert function.source == f"tests.jobs.test_registry:{work.__code__.co_firstlineno}"
    assert engine.define(other_work, fn_id="other", name="Other work").name == "Other work"


def test_the_site_chooses_the_app_id_and_a_client_may_too(engine: Engine, settings: Any) -> None:
    settings.JOBS = {**settings.JOBS, "APP_ID": "shop"}
    assert engine.define(work).id == "shop-work"
    client = jobs.Client(app_id="till")
    assert client.create_function(fn_id="work", trigger=jobs.TriggerEvent(event="a/b"))(work).id == "till-work"


def test_functions_are_found_by_id_and_by_event(engine: Engine) -> None:
    one = engine.define(work, fn_id="one", on="user/*")
    two = engine.define(work, fn_id="two", on="user/created")
    assert (registry.get("stepwell-one"), registry.all()) == (one, [one, two])
    assert registry.listening_to("user/created") == [one, two]
    assert registry.listening_to("user/deleted") == [one]
    assert registry.event_names() == ["user/created"]


def test_a_function_added_later_hears_events_looked_up_before(engine: Engine) -> None:
    engine.define(work, fn_id="one", on="a/b")
    assert len(registry.listening_to("a/b")) == 1
    engine.define(work, fn_id="two", on="a/b")
    assert len(registry.listening_to("a/b")) == 2


def test_an_unknown_id_is_answered_with_the_known_ones(engine: Engine) -> None:
    engine.define(work)
    with pytest.raises(UnknownFunction, match="'stepwell-nope' is not registered; known: stepwell-work"):
        registry.get("stepwell-nope")


def test_the_same_id_for_different_code_is_refused(engine: Engine) -> None:
    engine.define(work)
    engine.define(work)
    with pytest.raises(InvalidDefinition, match="'stepwell-work' is defined twice"):
        engine.define(other_work)


async def coroutine(ctx: Any) -> None:
    pass


def generator(ctx: Any) -> Any:
    yield 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fn_id": ""}, "1 to 200 characters"),
        ({"fn_id": "x" * 200}, "1 to 200 characters"),
        ({"on": []}, "0 triggers"),
        ({"on": [jobs.TriggerEvent(event="a/b")] * 11}, "11 triggers"),
        ({"retries": -1}, "retries=-1"),
        ({"retries": 21}, "retries=21"),
        ({"on": "*"}, "only at its end, after / or ."),
        ({"on": "user*"}, "only at its end, after / or ."),
        ({"on": "us*er/created"}, "only at its end, after / or ."),
        ({"on": "*/created"}, "only at its end, after / or ."),
        ({"body": generator}, "is a generator"),
        ({"body": coroutine, "on_failure": work}, "is async and its on_failure is plain"),
        ({"on_failure": coroutine}, "is plain and its on_failure is async"),
        ({"concurrency": [jobs.Concurrency(limit=1)] * 3}, "3 concurrency limits; 2 are possible"),
        ({"concurrency": [jobs.Concurrency(limit=1, scope="account")]}, 'of scope "account" without a key'),
        ({"cancel": [jobs.Cancel(event="a/b", match_all=True)] * 6}, "6 cancel rules; 5 are possible"),
        ({"cancel": [jobs.Cancel(event="a/b")]}, "say match_all=True"),
        ({"debounce": jobs.Debounce(period=2000, timeout=1000)}, "timeout is shorter than its period"),
        ({"batch_events": jobs.Batch(max_size=10_001)}, "10,000 are possible"),
        ({"batch_events": jobs.Batch(max_size=2), "debounce": jobs.Debounce(period=1)}, "together with debounce"),
        ({"batch_events": jobs.Batch(max_size=2), "singleton": jobs.Singleton(mode="skip")}, "with singleton"),
        ({"batch_events": jobs.Batch(max_size=2), "priority": jobs.Priority(run="1")}, "together with priority"),
        (
            {"batch_events": jobs.Batch(max_size=2), "cancel": [jobs.Cancel(event="a/b", match_all=True)]},
            "together with cancel",
        ),
        (
            {"debounce": jobs.Debounce(period=1), "rate_limit": jobs.RateLimit(limit=1, period=1)},
            "debounce together with rate_limit",
        ),
    ],
)
def test_a_wrong_definition_is_refused_in_words(engine: Engine, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        engine.define(options.pop("body", work), **options)
    assert words in str(caught.value)
    assert registry.all() == []


@pytest.mark.parametrize("options", [{"on": [jobs.TriggerEvent(event="a/b")] * 10}, {"retries": 20}, {"retries": 0}])
def test_the_limits_themselves_are_possible(engine: Engine, options: dict[str, Any]) -> None:
    assert engine.define(work, **options) in registry.all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: jobs.TriggerEvent(event=""),
        lambda: jobs.TriggerEvent(event=5),
        lambda: jobs.TriggerEvent(event="a/b", colour="red"),
        lambda: jobs.TriggerCron(cron=""),
        lambda: jobs.Priority(run=5),
        lambda: jobs.TriggerEvent("a/b"),
        lambda: jobs.Concurrency(limit=0),
        lambda: jobs.Concurrency(limit="3"),
        lambda: jobs.Throttle(limit=1, period=0),
        lambda: jobs.Throttle(limit=1, period=-5),
        lambda: jobs.RateLimit(limit=1, period=True),
        lambda: jobs.Singleton(mode="wait"),
        lambda: jobs.Batch(max_size=0),
        lambda: jobs.Debounce(period="1s"),
    ],
)
def test_configuration_is_strict_and_by_keyword(make: Any) -> None:
    with pytest.raises((ValidationError, TypeError)):
        make()


def test_an_isolated_registry_gives_the_real_one_back() -> None:
    before = registry.all()
    assert "stepwell-hello-world" in [function.id for function in before]
    with testing.registry() as own:
        assert own.all() == []
        jobs.create_function(fn_id="work", trigger=jobs.TriggerEvent(event="a/b"))(work)
        assert [function.id for function in own.all()] == ["stepwell-work"]
    assert registry.all() == before


def test_the_first_function_greets(db: None) -> None:
    jobs.send_sync(jobs.Event(name="test/hello.world", data={"name": "Ada"}))
    testing.drain()
    assert registry.get("stepwell-hello-world").description.startswith("Greet somebody")
    assert Run.objects.get().output["message"] == "Hello, Ada!"
