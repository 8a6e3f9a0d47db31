"""A parent that invokes a child, for tests of both."""

from typing import Any

from jobs import testing
from jobs.models import Run
from tests.jobs.conftest import Engine


def invoking(engine: Engine, body: Any, *, child: dict[str, Any] | None = None, **options: Any) -> Any:
    """Define a child with this body and return a parent's body that invokes it."""
    function = engine.define(body, fn_id="child", on="test/child", **(child or {}))
    return lambda ctx: ctx.step.invoke("call", function=function, data=dict(ctx.event.data), **options)


def parent() -> Run:
    return Run.objects.get(function="stepwell-work")


def child() -> Run:
    return Run.objects.get(function="stepwell-child")


def started(engine: Engine, body: Any, data: dict[str, Any] | None = None, **options: Any) -> Run:
    """Define the parent, open its run and execute what is due."""
    engine.define(body, **options)
    engine.send(data=data)
    testing.drain()
    return parent()
