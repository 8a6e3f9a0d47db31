"""Functions for real workers to execute; each step leaves a line in the file that its event names."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import AppConfig

import jobs

client = jobs.Client(app_id="workloads")


class Workloads(AppConfig):
    """Makes a cluster under test know these functions: loading this module defines them."""

    name = "tests.jobs.workloads"
    label = "workloads"


def _mark(log: str, line: str) -> None:
    """Append one line in one write, so that lines of many processes do not mix."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@client.create_function(fn_id="steps", trigger=jobs.TriggerEvent(event="test/steps"), backoff=[0.2])
def steps(ctx: jobs.ContextSync) -> dict[str, int]:
    """Take so many steps of so many seconds each."""
    data = ctx.event.data
    for number in range(int(data["steps"])):
        ctx.step.run(f"step-{number}", _work, data["log"], ctx.run_id, number, float(data["seconds"]))
    return {"steps": int(data["steps"])}


def _work(log: str, run_id: str, number: int, seconds: float) -> int:
    _mark(log, f"begin {run_id} step-{number} {os.getpid()}")
    time.sleep(seconds)
    _mark(log, f"end {run_id} step-{number} {os.getpid()}")
    return number


@client.create_function(fn_id="dies-once", trigger=jobs.TriggerEvent(event="test/dies-once"), backoff=[0.2])
def dies_once(ctx: jobs.ContextSync) -> str:
    """Kill the own worker in the body, right after the first step returned; the first time only."""
    log = str(ctx.event.data["log"])
    ctx.step.run("step-0", _work, log, ctx.run_id, 0, 0.0)
    died = Path(f"{log}.{ctx.run_id}.died")
    if not died.exists():
        died.touch()
        _die()
    ctx.step.run("step-1", _work, log, ctx.run_id, 1, 0.0)
    return "survived"


@client.create_function(fn_id="poison", trigger=jobs.TriggerEvent(event="test/poison"), backoff=[0.2])
def poison(ctx: jobs.ContextSync) -> None:
    """Kill the own worker every time."""
    ctx.step.run("step-0", _mark, ctx.event.data["log"], f"begin {ctx.run_id} step-0 {os.getpid()}")
    ctx.step.run("die", _die)


@client.create_function(fn_id="child", trigger=jobs.TriggerEvent(event="test/child"), retries=0)
def child(ctx: jobs.ContextSync) -> int:
    """Start a program, ask it to end and return how it ended."""
    return ctx.step.run("end-a-program", _end_a_program)


def _end_a_program() -> int:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    program.terminate()
    try:
        return program.wait(5)
    finally:
        program.kill()


@client.create_function(fn_id="wide", trigger=jobs.TriggerEvent(event="test/wide"), backoff=[0.2])
def wide(ctx: jobs.ContextSync) -> int:
    """So many steps at the same time, each as long as an answer over the network takes."""
    data = ctx.event.data

    def branch(number: int) -> Callable[[], int]:
        return lambda: ctx.step.run(f"step-{number}", _rest, number, float(data["seconds"]))

    return len(ctx.group.parallel(tuple(map(branch, range(int(data["steps"]))))))


def _rest(number: int, seconds: float) -> int:
    time.sleep(seconds)
    return number


@client.create_function(fn_id="wide-async", trigger=jobs.TriggerEvent(event="test/wide-async"), backoff=[0.2])
async def wide_async(ctx: jobs.Context) -> int:
    """The same as tasks of one event loop."""
    data = ctx.event.data

    async def rest(number: int) -> int:
        await asyncio.sleep(float(data["seconds"]))
        return number

    def branch(number: int) -> Callable[[], Awaitable[int]]:
        return lambda: ctx.step.run(f"step-{number}", rest, number)

    return len(await ctx.group.parallel(tuple(map(branch, range(int(data["steps"]))))))


@client.create_function(fn_id="waits", trigger=jobs.TriggerEvent(event="test/waits"), backoff=[0.2])
def waits(ctx: jobs.ContextSync) -> Any:
    """Take a step, wait for the event with the own number, and take another step."""
    log = str(ctx.event.data["log"])
    ctx.step.run("step-0", _work, log, ctx.run_id, 0, 0.0)
    same = "async.data.number == event.data.number"
    event = ctx.step.wait_for_event("wait", event="test/answer", if_exp=same, timeout=timedelta(minutes=10))
    ctx.step.run("step-1", _work, log, ctx.run_id, 1, 0.0)
    return None if event is None else event.data["answer"]


@client.create_function(fn_id="dies-waiting", trigger=jobs.TriggerEvent(event="test/dies-waiting"), backoff=[0.2])
def dies_waiting(ctx: jobs.ContextSync) -> Any:
    """Kill the own worker once, when the wait of one branch is registered and the run has not suspended yet."""
    log = str(ctx.event.data["log"])

    def wait() -> Any:
        event = ctx.step.wait_for_event("wait", event="test/answer", timeout=timedelta(minutes=10))
        return event and event.data["answer"]

    def die() -> None:
        _mark(log, f"begin {ctx.run_id} dying {os.getpid()}")
        died = Path(f"{log}.{ctx.run_id}.died")
        if not died.exists():
            died.touch()
            time.sleep(0.5)  # the wait beside it is registered by now
            _die()

    return ctx.group.parallel((wait, lambda: ctx.step.run("die", die)))[0]


@client.create_function(fn_id="parent", trigger=jobs.TriggerEvent(event="test/parent"), backoff=[0.2])
def parent(ctx: jobs.ContextSync) -> Any:
    """Invoke the steps of another function and return what they returned."""
    return ctx.step.invoke_by_id("call", function_id="steps", data=ctx.event.data)


@client.create_function(fn_id="pauses", trigger=jobs.TriggerEvent(event="test/pauses"), backoff=[1])
def pauses(ctx: jobs.ContextSync) -> None:
    """Pause for a second in each way there is: a sleep, a backoff, and a wait for what never comes."""
    ctx.step.sleep("nap", timedelta(seconds=1))

    def fail_once() -> None:
        marker = Path(f"{ctx.event.data['log']}.{ctx.run_id}")
        if not marker.exists():
            marker.touch()
            raise ValueError("not yet")

    ctx.step.run("fail-once", fail_once)
    ctx.step.wait_for_event("wait", event="test/never", timeout=timedelta(seconds=1))


# Functions of other modules that clusters under test know as well.
from tests.jobs import limited  # noqa: F401


@client.create_function(fn_id="ordinary", trigger=jobs.TriggerEvent(event="test/ordinary"), backoff=[0.2])
def ordinary(ctx: jobs.ContextSync) -> None:
    """Do in one step what product code does: read a row, wait for a slow service, write a row."""
    ctx.step.run("step-0", _ordinary_work, ctx.event.data["log"], ctx.run_id, float(ctx.event.data["seconds"]))


def _ordinary_work(log: str, run_id: str, seconds: float) -> None:
    from django.contrib.auth.models import Group

    _mark(log, f"begin {run_id} step-0 {os.getpid()}")
    _query(run_id)
    time.sleep(seconds)
    Group.objects.create(name=run_id)
    _mark(log, f"end {run_id} step-0 {os.getpid()}")


@client.create_function(fn_id="holder", trigger=jobs.TriggerEvent(event="test/holder"), backoff=[0.2])
def holder(ctx: jobs.ContextSync) -> None:
    """Call a slow service inside a transaction."""
    ctx.step.run("step-0", _held_work, ctx.event.data["log"], ctx.run_id, float(ctx.event.data["seconds"]))


def _held_work(log: str, run_id: str, seconds: float) -> None:
    from django.db import transaction

    _mark(log, f"begin {run_id} step-0 {os.getpid()}")
    with transaction.atomic():
        _query(run_id)
        time.sleep(seconds)
    _mark(log, f"end {run_id} step-0 {os.getpid()}")


@client.create_function(fn_id="mistaken", trigger=jobs.TriggerEvent(event="test/mistaken"), backoff=[0.2])
def mistaken(ctx: jobs.ContextSync) -> None:
    """Take a step inside a transaction, and suspend inside another one."""
    from django.db import transaction

    with transaction.atomic():
        _query(ctx.run_id)
        ctx.step.run("step-0", _query, ctx.run_id)
    with transaction.atomic():
        _query(ctx.run_id)
        ctx.step.sleep("pause", 10)


def _query(run_id: str) -> None:
    from django.contrib.auth.models import Group

    Group.objects.filter(name=run_id).exists()
