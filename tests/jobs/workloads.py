"""Functions for real workers to execute; each step leaves a line in the file that its event names."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


# Functions of other modules that clusters under test know as well.
from tests.jobs import limited  # noqa: F401
