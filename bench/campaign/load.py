"""What the hosts of a campaign execute: every kind of step and of limit; results depend on the event's number alone."""

import os
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.apps import AppConfig

import jobs
from bench.campaign import ledger

client = jobs.Client(app_id="campaign")
LIMIT = 3
LONG = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


class Load(AppConfig):
    """Makes a host know these functions: loading this module defines them."""

    name = "bench.campaign.load"
    label = "campaign_load"


def function(kind: str, **rules: Any) -> Callable[[Any], Any]:
    """Define what an event of this kind starts."""
    return client.create_function(fn_id=kind, trigger=jobs.TriggerEvent(event=f"campaign/{kind}"), **rules)


def call(ctx: Any, step: str, number: int, rest: float = 0.0) -> dict[str, Any]:
    """Be a step's handler: two lines in the ledger, and a result that tells which call it came from."""
    token = uuid.uuid4().hex
    held = {"run": ctx.run_id, "step": step, "token": token, "pid": os.getpid(), "lease": ctx._attempt.claimed.lease}
    ledger.write("begin", attempt=ctx.attempt, **held)
    time.sleep(rest)
    ledger.write("end", **held)
    return {"number": number, "token": token}


def take(ctx: jobs.ContextSync, step: str, number: int, rest: float = 0.0) -> int:
    """Take one step, and tell the ledger once its result has come back: from then on it is in the journal."""
    found = ctx.step.run(step, call, ctx, step, number, rest)
    ledger.write("journaled", run=ctx.run_id, step=step, token=found["token"])
    return int(found["number"])


def number_of(ctx: Any) -> int:
    """Return the number of the event that started a run."""
    return int(ctx.event.data["n"])


@function("steps")
def steps(ctx: jobs.ContextSync) -> int:
    """Three steps, the second of which fails at first with every fourth event."""
    n = number_of(ctx)

    def fails_once() -> dict[str, Any]:
        found = call(ctx, "two", n)
        if n % 4 == 0 and ledger.mark(f"{ctx.run_id}.failed"):
            raise ConnectionError("The service is busy.")
        return found

    first = take(ctx, "one", n, 0.05)
    second = int(ctx.step.run("two", fails_once)["number"])
    ledger.write("journaled", run=ctx.run_id, step="two", token="")
    return first + second + take(ctx, "three", n)


@function("sleeper")
def sleeper(ctx: jobs.ContextSync) -> int:
    """Sleep between two steps."""
    first = take(ctx, "before", number_of(ctx))
    ctx.step.sleep("nap", timedelta(seconds=0.2 + first % 10 * 0.2))
    return first + take(ctx, "after", first)


@function("waiter")
def waiter(ctx: jobs.ContextSync) -> int:
    """Wait for the answer with the own number."""
    first = take(ctx, "before", number_of(ctx))
    same = "async.data.n == event.data.n"
    event = ctx.step.wait_for_event("wait", event="campaign/answer", if_exp=same, timeout=LONG, lookback=LONG)
    return first + (int(event.data["n"]) if event else -1)


@function("signalled")
def signalled(ctx: jobs.ContextSync) -> int:
    """Wait for a signal that a branch beside sends after a sleep."""
    n, name = number_of(ctx), f"go {ctx.run_id}"

    def send() -> None:
        ctx.step.sleep("nap", SECOND)
        ctx.step.transaction("send", lambda: bool(jobs.send_signal(name, n)))

    return int(ctx.group.parallel((lambda: ctx.step.wait_for_signal("wait", name, timeout=LONG), send))[0])


@function("child", concurrency=[jobs.Concurrency(limit=LIMIT)])
def child(ctx: jobs.ContextSync) -> int:
    """Be invoked."""
    return 2 * take(ctx, "only", number_of(ctx), 0.05)


@function("parent")
def parent(ctx: jobs.ContextSync) -> int:
    """Invoke another function."""
    return number_of(ctx) + int(ctx.step.invoke("call", function=child, data={"n": number_of(ctx)}))


@function("grouped")
def grouped(ctx: jobs.ContextSync) -> list[int]:
    """Take steps at the same time, one behind a sleep."""
    n = number_of(ctx)

    def late() -> int:
        ctx.step.sleep("nap", timedelta(seconds=0.5))
        return take(ctx, "late", n)

    return list(ctx.group.parallel((partial(take, ctx, "left", n, 0.1), partial(take, ctx, "right", n, 0.1), late)))


@function("asynchronous")
async def asynchronous(ctx: jobs.Context) -> int:
    """Take steps of an async function."""
    n = number_of(ctx)

    async def branch(step: str) -> int:
        found = await ctx.step.run(step, partial(_called, ctx, step, n))
        ledger.write("journaled", run=ctx.run_id, step=step, token=found["token"])
        return int(found["number"])

    return sum(await ctx.group.parallel((partial(branch, "left"), partial(branch, "right")))) + await branch("last")


async def _called(ctx: jobs.Context, step: str, number: int) -> dict[str, Any]:
    return call(ctx, step, number)


@function("emitter")
def emitter(ctx: jobs.ContextSync) -> int:
    """Send an event once."""
    return len(ctx.step.send_event("emit", jobs.Event(name="campaign/echo", data={"n": number_of(ctx)})))


@function("echo")
def echo(ctx: jobs.ContextSync) -> int:
    """Be started by an emitter."""
    return take(ctx, "only", number_of(ctx))


@function("transacted")
def transacted(ctx: jobs.ContextSync) -> int:
    """Write a row in the journal's own transaction, twice."""
    from django.db import connection

    def store(step: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO campaign_effect (run, step) VALUES (%s, %s)", [ctx.run_id, step])
        call(ctx, step, 0)
        return number_of(ctx)

    return ctx.step.transaction("first", store, "first") + ctx.step.transaction("second", store, "second")


def _limited(kind: str, **rules: Any) -> None:
    """Define a function of one step under a limit."""

    def body(ctx: jobs.ContextSync) -> int:
        # A probe rests for longer, so that those that may run at once do.
        return take(ctx, "only", number_of(ctx), float(ctx.event.data.get("rest", 0.05)))

    function(kind, **rules)(body)


_limited("limited", concurrency=[jobs.Concurrency(limit=LIMIT, key="string(event.data.n % 2)")])
_limited("throttled", throttle=jobs.Throttle(limit=20, period=SECOND))
_limited("single", singleton=jobs.Singleton(mode="skip", key="string(event.data.n % 5)"))
_limited("rated", rate_limit=jobs.RateLimit(limit=2, period=SECOND))
_limited("idempotent", idempotency="string(event.data.n)")


@function("debounced", debounce=jobs.Debounce(period=SECOND / 2, key="string(event.data.n % 3)", timeout=3 * SECOND))
def debounced(ctx: jobs.ContextSync) -> list[int]:
    """Start once for several events."""
    take(ctx, "only", number_of(ctx))
    return sorted(int(event.data["n"]) for event in ctx.events)


@function("batched", batch_events=jobs.Batch(max_size=5, timeout=SECOND))
def batched(ctx: jobs.ContextSync) -> list[int]:
    """Start once for up to five events."""
    take(ctx, "only", number_of(ctx))
    return sorted(int(event.data["n"]) for event in ctx.events)


@client.create_function(fn_id="ticking", trigger=jobs.TriggerCron(cron="* * * * *"))
def ticking(ctx: jobs.ContextSync) -> int:
    """Start every minute."""
    return take(ctx, "only", 1)


# What kills workers is defined beside.
from bench.campaign import poison  # noqa: E402, F401
