"""A step that asks GitHub: a limit moves it to a later time, and costs it none of its attempts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import jobs
from pulls.github import client
from pulls.github.errors import Limited
from pulls.models import Level

LIMITED_UNTIL = "limited_until"
URGENT = (Level.CRITICAL, Level.HIGH)


def ask(ctx: jobs.ContextSync, step_id: str, handler: Callable[..., Any], *args: Any) -> Any:
    """Run a step whose handler asks GitHub, for as long as only limits stand in its way.

    To the engine a RetryAfterError is an attempt like any other. So a limit is a result here, slept over before the
    step is run anew, and the attempts are left to errors.
    """
    urgent = ctx.event.data.get("priority") in URGENT
    while True:
        found = ctx.step.run(step_id, _asked, urgent, handler, *args)
        if not (isinstance(found, dict) and LIMITED_UNTIL in found):
            return found
        ctx.logger.info("%s waits: %s", step_id, found["reason"])
        ctx.step.sleep_until(f"wait-to-{step_id}", datetime.fromisoformat(found[LIMITED_UNTIL]))


def _asked(urgent: bool, handler: Callable[..., Any], *args: Any) -> Any:
    with client.urgently(urgent):
        try:
            return handler(*args)
        except Limited as limit:
            return {LIMITED_UNTIL: limit.until.isoformat(), "reason": str(limit)}
