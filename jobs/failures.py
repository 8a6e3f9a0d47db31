"""How an error is written down, and when the next attempt makes sense."""

import os
import random
import traceback
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from jobs import clock, conf
from jobs.errors import InvalidBackoff, NonRetriableError, RetryAfterError, StepError

_ENGINE = f"{Path(__file__).parent}{os.sep}"
_LONGEST_WAIT = timedelta(hours=24)
_MESSAGE_LIMIT = 20_000


def describe(error: BaseException, *, code: str | None = None, step: str | None = None) -> dict[str, Any]:
    """Return an error as it is stored: code, name, message, stack and, where a step raised it, the step's name."""
    described: dict[str, Any] = {
        "code": code or ("non_retriable" if isinstance(error, NonRetriableError) else "error"),
        "name": error.name if isinstance(error, StepError) else type(error).__name__,
        "message": (_message(error) or type(error).__name__)[:_MESSAGE_LIMIT],
        "stack": _stack(error),
    }
    if step is not None:
        described["step"] = step
    return described


def step_behind(error: BaseException) -> str | None:
    """Return the step whose spent attempts led to this error, however often the body wrapped it."""
    chain: list[BaseException] = []
    behind: BaseException | None = error
    while behind is not None and behind not in chain:  # `raise error from error` would go round for ever
        if isinstance(behind, StepError):
            return behind.step
        chain.append(behind)
        behind = behind.__cause__ or behind.__context__
    return None


def _message(error: BaseException) -> str:
    # Unlike str(), this survives an error whose own __str__ raises.
    return str(traceback.TracebackException(type(error), error, None, lookup_lines=False))


def simple(code: str, message: str, *, step: str | None = None) -> dict[str, Any]:
    """Return an error that the engine itself found, in the same shape."""
    described = {"code": code, "name": "JobsError", "message": message, "stack": ""}
    return described if step is None else {**described, "step": step}


def delay_before_next(
    error: BaseException, attempt: int, backoff: conf.Backoff | None
) -> tuple[float, datetime | None]:
    """Return how long to wait after failed attempt n (0-based): seconds, or the point in time the error names."""
    if isinstance(error, RetryAfterError):
        return _named_wait(error.retry_after)
    settings = conf.settings()
    chosen = settings.BACKOFF if backoff is None else backoff
    if callable(chosen):
        return _bounded(chosen(attempt)), None
    base = _bounded(chosen[min(attempt, len(chosen) - 1)]) if chosen else 0.0
    jitter = random.uniform(0, settings.JITTER_SECONDS) if backoff is None else 0.0  # noqa: S311
    return base + jitter, None


def _bounded(delay: object) -> float:
    """Return a backoff in seconds, from 0 to 24 hours, raising InvalidBackoff for what is no number of seconds."""
    if isinstance(delay, timedelta):
        return max(0.0, min(delay, _LONGEST_WAIT).total_seconds())
    if isinstance(delay, bool) or not isinstance(delay, int | float | Decimal) or delay != delay:
        raise InvalidBackoff(f"The backoff is {delay!r:.200}; it must be a number of seconds, at most 24 hours")
    return float(max(0, min(delay, int(_LONGEST_WAIT.total_seconds()))))


def _named_wait(named: object) -> tuple[float, datetime | None]:
    if isinstance(named, timedelta):
        return max(0.0, min(named, _LONGEST_WAIT).total_seconds()), None
    if not isinstance(named, datetime):
        words = (
            f"RetryAfterError has {named!r:.200} as its time; it takes whole milliseconds, a timedelta or a datetime"
        )
        raise InvalidBackoff(words)
    return 0.0, min(clock.absolute(named), clock.now() + _LONGEST_WAIT)


def _stack(error: BaseException) -> str:
    """Return the traceback from product code on; frames of the engine further in are marked."""
    if isinstance(error, StepError) and error.stack:
        return error.stack  # where the step failed says more than where the body met that
    frames = list(traceback.extract_tb(error.__traceback__))
    while len(frames) > 1 and frames[0].filename.startswith(_ENGINE):
        frames.pop(0)
    lines = []
    for frame in frames:
        mark = "[engine] " if frame.filename.startswith(_ENGINE) else ""
        lines.append(f"{mark}{_short(frame.filename)}:{frame.lineno} in {frame.name}\n    {frame.line or ''}")
    return "\n".join(lines)


def _short(filename: str) -> str:
    path = Path(filename)
    for root in (Path(_ENGINE).parent, *[part for part in path.parents if part.name == "site-packages"]):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return path.name
