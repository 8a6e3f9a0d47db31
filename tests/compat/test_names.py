"""Both packages side by side: every public name of Inngest's SDK is here, and takes the arguments it takes there."""

import inspect
from collections.abc import Iterator
from typing import Any

import inngest as theirs
import pytest
from inngest._internal import errors as their_errors
from inngest._internal import step_lib

import jobs as ours

# engine.md names Client for Inngest; Streaming is an option of serve(), and nothing is served here.
LEFT_OUT = {"Inngest", "Streaming"}
OURS_FOR = {"Inngest": "Client"}
MODELS = [
    "Batch",
    "Cancel",
    "Concurrency",
    "Debounce",
    "Event",
    "Priority",
    "RateLimit",
    "Singleton",
    "Throttle",
    "Timeouts",
    "TriggerCron",
    "TriggerEvent",
]
# How pydantic and dataclasses are built, and what only a server calls.
INNER = {"call", "call_sync", "get_config", "pop", "from_raw", "to_dict", "ai"}


def methods(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class."""
    for name, value in inspect.getmembers(kind):
        if (
            not name.startswith("_")
            and name not in INNER
            and (inspect.isfunction(value) or isinstance(value, property))
        ):
            yield name, value


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function by name, without the variable ones."""
    found = inspect.signature(function).parameters
    variable = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {name: one for name, one in found.items() if one.kind not in variable}


def missing_arguments(theirs: Any, ours: Any) -> list[str]:
    """Return what of their signature ours does not take in the same way."""
    here = parameters(ours)
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in inspect.signature(ours).parameters.values()):
        return []
    wrong = [name for name in parameters(theirs) if name not in here]
    positional = [n for n, one in parameters(theirs).items() if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    for name in positional:
        if name in here and here[name].kind is inspect.Parameter.KEYWORD_ONLY:
            wrong.append(f"{name} by position")
    needed = inspect.Parameter.empty
    return wrong + [n for n, one in here.items() if one.default is needed and n not in parameters(theirs)]


def test_every_public_name_is_here() -> None:
    assert set(theirs.__all__) - set(ours.__all__) == LEFT_OUT


def test_every_name_of_the_engines_rules_is_here() -> None:
    names = """Batch Cancel Client Concurrency Context ContextSync Debounce Event Function JSON NonRetriableError
    ParallelMode Priority RateLimit RetryAfterError SendEventsError SendEventsResult Singleton Step StepError StepSync
    Throttle Timeouts TriggerCron TriggerEvent Middleware MiddlewareSync Serializer PydanticSerializer create_function
    send send_sync"""
    assert set(names.split()) <= set(ours.__all__)


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_a_model_is_here_with_the_same_default(name: str) -> None:
    there, here = getattr(theirs, name).model_fields, getattr(ours, name).model_fields
    assert set(there) <= set(here)
    for field, one in there.items():
        assert one.is_required() == here[field].is_required(), field
        if not one.is_required():
            assert one.get_default(call_default_factory=True) == here[field].get_default(call_default_factory=True)
    assert {field for field, one in here.items() if one.is_required()} <= set(there)


CLASSES = [
    "Context",
    "ContextSync",
    "Function",
    "Inngest",
    "Middleware",
    "MiddlewareSync",
    "PydanticSerializer",
    "Step",
    "StepMemos",
    "StepSync",
    "TransformOutputResult",
]
# What reaches another server, which does not exist here.
ELSEWHERE = {
    "api_origin",
    "app_version",
    "env",
    "event_api_origin",
    "event_key",
    "signing_key",
    "signing_key_fallback",
    "is_on_failure_handler_async",
}


@pytest.mark.parametrize("name", CLASSES)
def test_every_method_is_here_and_takes_the_same_arguments(name: str) -> None:
    there, here = getattr(theirs, name), getattr(ours, OURS_FOR.get(name, name))
    for method, value in methods(there):
        if method in ELSEWHERE:
            continue
        assert method in {*dir(here), *getattr(here, "__dataclass_fields__", ())}, f"{name}.{method}"
        if inspect.isfunction(value):
            assert missing_arguments(value, getattr(here, method)) == [], f"{name}.{method}"
            same = inspect.iscoroutinefunction(value) == inspect.iscoroutinefunction(getattr(here, method))
            assert same, f"{name}.{method}"


def test_the_group_takes_the_same_arguments() -> None:
    assert missing_arguments(step_lib.Group.parallel, ours.Group.parallel) == []
    assert missing_arguments(step_lib.GroupSync.parallel, ours.GroupSync.parallel) == []


def test_the_client_takes_every_keyword() -> None:
    keywords: dict[str, Any] = dict.fromkeys(parameters(theirs.Inngest.__init__))
    del keywords["self"]
    assert ours.Client(**{**keywords, "app_id": "shop"}).app_id == "shop"


@pytest.mark.parametrize("name", ["NonRetriableError", "RetryAfterError", "StepError", "SendEventsError"])
def test_errors_are_made_alike(name: str) -> None:
    assert missing_arguments(getattr(their_errors, name).__init__, getattr(ours, name).__init__) == []


def test_the_fields_of_a_context_are_here(client: ours.Client) -> None:
    there = set(inspect.signature(theirs.ContextSync).parameters)

    @client.create_function(fn_id="look", trigger=ours.TriggerEvent(event="look"))
    def look(ctx: ours.ContextSync) -> list[str]:
        return sorted(name for name in there if not hasattr(ctx, name))

    from jobs import testing

    assert testing.run(look).must_complete() == []


def test_modes_and_results_are_the_same() -> None:
    assert {mode.name: mode.value for mode in theirs.ParallelMode} == {m.name: m.value for m in ours.ParallelMode}
    assert ours.SendEventsResult(error=None, ids=["a"]).ids == theirs.SendEventsResult(error=None, ids=["a"]).ids
