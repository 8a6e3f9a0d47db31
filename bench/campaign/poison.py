"""Runs that are bad for whoever executes them: some kill their worker at the first call, others can only fail."""

import ctypes
import os
import time
from typing import Any

import jobs
from bench.campaign import ledger
from bench.campaign.load import function, number_of

KILLS = ("exit", "segfault", "endless")
"""They end their worker, or what watches it does; the second call returns."""
FAILS = {"large": "output", "recursion": "RecursionError"}
"""They fail, with this in their error."""
HARMLESS = ("fork",)


def _exit() -> None:
    os._exit(7)


def _segfault() -> None:
    ctypes.string_at(0)


def _endless() -> None:
    # Called with the interpreter's lock held: no thread of this process goes on.
    ctypes.PyDLL(None).sleep(3600)


def _recursion(depth: int = 0) -> int:
    return _recursion(depth + 1) + 1


def _fork() -> None:
    if (pid := os.fork()) == 0:
        time.sleep(0.5)
        os._exit(0)
    os.waitpid(pid, 0)


@function("poison", retries=1)
def poison(ctx: jobs.ContextSync) -> int:
    """Do what the event names."""
    how = str(ctx.event.data["how"])
    deeds: dict[str, Any] = {"exit": _exit, "segfault": _segfault, "endless": _endless, "fork": _fork}

    def deed() -> Any:
        ledger.write("begin", run=ctx.run_id, step=how, pid=os.getpid())
        if how == "large":
            return "x" * 200_000_000
        if how == "recursion":
            return _recursion()
        if ledger.mark(f"{ctx.run_id}.{how}"):
            deeds[how]()
        return how

    ctx.step.run(how, deed)
    ledger.write("journaled", run=ctx.run_id, step=how, token="")
    return number_of(ctx)
