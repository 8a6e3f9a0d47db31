"""A step that asks GitHub: a limit moves it to a later time, and costs it none of its attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jobs
from pulls.github import client
from pulls.github.errors import LIMITS
from pulls.models import Level

URGENT = (Level.CRITICAL, Level.HIGH)


def ask(ctx: jobs.ContextSync, step_id: str, handler: Callable[..., Any], *args: Any) -> Any:
    """Run a step whose handler asks GitHub, for as long as only limits stand in its way.

    A RetryAfterError is an attempt like any other to the engine. A repository with more pages than a window has
    requests would run out of attempts by waiting alone, so a step that did begins anew.
    """
    urgent = ctx.event.data.get("priority") in URGENT
    while True:
        try:
            return ctx.step.run(step_id, _asked, urgent, handler, *args)
        except jobs.StepError as error:
            if error.name not in LIMITS:
                raise
            ctx.logger.info("%s goes on waiting: %s", step_id, error.message)


def _asked(urgent: bool, handler: Callable[..., Any], *args: Any) -> Any:
    with client.urgently(urgent):
        return handler(*args)
