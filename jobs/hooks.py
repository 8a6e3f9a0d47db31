"""The middleware at work: around one pass through a function, and around one send."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from jobs import serialize
from jobs.attempt import Attempt, step_error
from jobs.journal import Entry
from jobs.middleware import (
    NO_OUTPUT,
    Client,
    Middleware,
    MiddlewareSync,
    SendEventsResult,
    StepMemo,
    StepMemos,
    TransformOutputResult,
    TransformOutputStepInfo,
    UninitializedMiddleware,
)
from jobs.types import Event, Op, StepStatus


class Hooks:
    """The middleware of one pass through a function."""

    def __init__(
        self, attempt: Attempt, kinds: Sequence[UninitializedMiddleware], make_context: Callable[[], Any]
    ) -> None:
        self._attempt = attempt
        self._kinds = kinds
        self._make_context = make_context
        self._middleware = self._made()
        self._executing = False
        self._memos: dict[str, StepMemo] = {}

    def _made(self) -> list[Middleware | MiddlewareSync]:
        return [kind(self._attempt.function.client, None) for kind in self._kinds]

    def transform_input(self) -> Any:
        """Return what the function gets, as middleware leaves it."""
        journal, now = self._attempt.claimed.journal, self._attempt.claimed.now
        finished = {key: entry for key, entry in journal.items() if entry.finished(now) and entry.op != Op.RACE}
        self._memos = {key: _memo(entry) for key, entry in finished.items()}
        ctx = self._transform_input(self._middleware, self._memos)
        if not self._attempt.replaying:
            self.before_execution()
        return ctx

    def _transform_input(self, middleware: Sequence[Any], memos: Mapping[str, StepMemo]) -> Any:
        ctx = self._make_context()
        for one in middleware:
            _completed(one.transform_input(ctx, self._attempt.function, StepMemos(memos)))
        return ctx

    def memo(self, entry: Entry, value: Any) -> Any:
        """Return what middleware makes of a journaled output before the body sees it.

        What has only just been journaled has to go the same way as on any later pass, where `transform_input` finds it
        among the memos: what `transform_output` has encrypted, say, is decrypted there.
        """
        if (known := self._memos.get(entry.key)) is None:
            known = self._memos[entry.key] = StepMemo(value)
            self._transform_input(self._made(), {entry.key: known})
        return known.data

    def before_execution(self) -> None:
        """Say that new code runs from here; told once in a pass."""
        if not self._executing:
            self._executing = True
            for one in self._middleware:
                _completed(one.before_execution())

    def after_execution(self) -> None:
        """Say that the body was left."""
        for one in reversed(self._middleware):
            _completed(one.after_execution())

    def transform_output(self, value: Any, *, step: Entry | None = None) -> Any:
        """Return what middleware makes of an output."""
        info = None if step is None else TransformOutputStepInfo(step.name, step.op)
        result = TransformOutputResult(None, value, info)
        self._transform(result)
        if result.error is not None:
            raise result.error
        return result.output

    def transform_error(self, error: Exception, *, step: Entry | None = None) -> Exception:
        """Return what middleware makes of the error that a function or a step's attempt ends with."""
        info = None if step is None else TransformOutputStepInfo(step.name, step.op)
        result = TransformOutputResult(error, NO_OUTPUT, info)
        self._transform(result)
        return result.error or error

    def _transform(self, result: TransformOutputResult) -> None:
        for one in reversed(self._middleware):
            _completed(one.transform_output(result))

    def before_response(self) -> None:
        """Say that the end of the pass is about to be written."""
        for one in self._middleware:
            _completed(one.before_response())


def _memo(entry: Entry) -> StepMemo:
    error = entry.error if entry.status == StepStatus.FAILED else None
    return StepMemo(serialize.loads(entry.output or "null"), None if error is None else step_error(error))


def sending(
    client: Client, kinds: Sequence[UninitializedMiddleware], events: list[Event], send: Callable[[], list[str]]
) -> list[str]:
    """Send with the hooks around it; they may change the list of events."""
    middleware = [kind(client, None) for kind in kinds]
    for one in middleware:
        _completed(one.before_send_events(events))
    result = SendEventsResult()
    try:
        result = SendEventsResult(ids=send())
    except Exception as error:
        result = SendEventsResult(ids=getattr(error, "ids", []), error=str(error))
        raise
    finally:
        for one in reversed(middleware):
            _completed(one.after_send_events(result))
    return result.ids


def _completed(value: Any) -> None:
    """See a hook to its end; one that is a coroutine gets an event loop of its own, wherever it is called from."""
    if inspect.isawaitable(value):
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _awaited(value)).result()


async def _awaited(value: Awaitable[Any]) -> None:
    await value
