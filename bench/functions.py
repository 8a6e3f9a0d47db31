"""The functions that are measured: nothing but the engine's own work, or a wait like somebody else's API."""

import functools
import time

from jobs import ContextSync, TriggerEvent, create_function

STEPS = 100
WIDE = 300


def _nothing() -> None:
    return None


@create_function(fn_id="bench-one", trigger=TriggerEvent(event="bench/one"))
def one(ctx: ContextSync) -> None:
    """One step that does nothing."""
    ctx.step.run("only", _nothing)


@create_function(fn_id="bench-many", trigger=TriggerEvent(event="bench/many"))
def many(ctx: ContextSync) -> None:
    """Many steps that do nothing, one after the other."""
    for number in range(STEPS):
        ctx.step.run(f"step-{number}", _nothing)


@create_function(fn_id="bench-io", trigger=TriggerEvent(event="bench/io"))
def io(ctx: ContextSync) -> None:
    """One step that waits a second, as for an answer over the network."""
    ctx.step.run("wait", time.sleep, 1.0)


@create_function(fn_id="bench-slow", trigger=TriggerEvent(event="bench/slow"))
def slow(ctx: ContextSync) -> None:
    """Ten steps of 0.3 s, long enough to kill the worker in the middle."""
    for number in range(10):
        ctx.step.run(f"step-{number}", time.sleep, 0.3)


@create_function(fn_id="bench-counted", trigger=TriggerEvent(event="bench/counted"))
def counted(ctx: ContextSync) -> None:
    """As many steps that do nothing as the event says."""
    for number in range(int(ctx.event.data["steps"])):
        ctx.step.run(f"step-{number}", _nothing)


@create_function(fn_id="bench-wide", trigger=TriggerEvent(event="bench/wide"))
def wide(ctx: ContextSync) -> None:
    """Many steps at the same time in one run, each of which waits a second."""
    steps = [functools.partial(ctx.step.run, f"step-{number}", time.sleep, 1.0) for number in range(WIDE)]
    ctx.group.parallel(steps)
