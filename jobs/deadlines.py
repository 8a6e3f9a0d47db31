"""A handler that must return in time: it runs on a thread of its own, which nobody waits for any longer than that."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from jobs.errors import StepTimeout
from jobs.recording import Recorder


def within(call: Callable[[], Any], seconds: float, recorder: Recorder) -> Any:
    """Return what a call returns, or raise StepTimeout after so many seconds; what it returns later is dropped."""
    if recorder.inline:
        begun = time.monotonic()
        value = call()
        if time.monotonic() - begun > seconds:
            raise too_late(seconds)
        return value
    ended: dict[str, Any] = {}

    def work() -> None:
        try:
            ended["value"] = call()
        except BaseException as error:  # carried over to the thread of the run
            ended["error"] = error
        finally:
            recorder.release_connections()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), name="jobs-timed", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise too_late(seconds)
    if "error" in ended:
        raise ended["error"]
    return ended["value"]


async def in_time(work: Awaitable[Any], seconds: float | None) -> Any:
    """The same for a coroutine, which is cancelled once it is late."""
    if seconds is None:
        return await work
    done, _ = await asyncio.wait([task := asyncio.ensure_future(work)], timeout=seconds)
    if not done:
        task.cancel()
        raise too_late(seconds)
    return task.result()


def too_late(seconds: float) -> StepTimeout:
    """Return the error of an attempt that took longer than so many seconds."""
    return StepTimeout(f"The step took longer than {seconds:g} s.")
