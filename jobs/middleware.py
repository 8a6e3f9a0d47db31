"""Hooks around functions, steps and sending, with the names and the order they have in Inngest's SDK."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from jobs import serialize
from jobs.journal import Entry
from jobs.types import Event

if TYPE_CHECKING:
    from jobs.attempt import Attempt
    from jobs.function import Function

Client: TypeAlias = Any
"""`jobs.Client`, which stands above this module."""

NO_OUTPUT: Any = object()


class SendEventsResult:
    """What became of a send: the ids of the stored events, and in words why others were refused."""

    def __init__(self, *, ids: Sequence[str] = (), error: str | None = None) -> None:
        self.ids = list(ids)
        self.error = error


class StepMemos:
    """The steps that had finished before this pass."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._entries)

    def values(self) -> Iterator[Any]:
        """Yield what they returned."""
        return (serialize.loads(entry.output) for entry in self._entries if entry.output is not None)


@dataclass
class TransformOutputStepInfo:
    """The step whose output it is."""

    id: str
    op: str
    opts: dict[str, Any] | None = None


@dataclass
class TransformOutputResult:
    """What a function or step returned or raised; middleware may replace either."""

    error: Exception | None
    output: object
    step: TransformOutputStepInfo | None

    def has_output(self) -> bool:
        """Whether it returned."""
        return self.output is not NO_OUTPUT


class MiddlewareSync:
    """Hooks for plain functions; overwrite the ones that matter.

    Hooks named before run in the order of the list, first the client's and then the function's; hooks named after,
    and `transform_output`, in the opposite order. An instance serves one pass through a function, or one send.
    """

    def __init__(self, client: Client, raw_request: object) -> None:
        self.client = client
        self.raw_request = raw_request

    def transform_input(self, ctx: Any, function: Function[Any], steps: StepMemos) -> None:
        """Before the body is entered: change the context that the function gets."""

    def before_execution(self) -> None:
        """Before code runs that no earlier pass has run."""

    def after_execution(self) -> None:
        """After such code, however the pass ends."""

    def transform_output(self, result: TransformOutputResult) -> None:
        """After a function or step has ended: replace what it returned."""

    def before_response(self) -> None:
        """Before the end of the pass is written."""

    def before_send_events(self, events: list[Event]) -> None:
        """Before events are stored: change or add some."""

    def after_send_events(self, result: SendEventsResult) -> None:
        """After events were stored or refused."""


class Middleware:
    """The same hooks for async functions and `await client.send(...)`."""

    def __init__(self, client: Client, raw_request: object) -> None:
        self.client = client
        self.raw_request = raw_request

    async def transform_input(self, ctx: Any, function: Function[Any], steps: StepMemos) -> None:
        """Before the body is entered: change the context that the function gets."""

    async def before_execution(self) -> None:
        """Before code runs that no earlier pass has run."""

    async def after_execution(self) -> None:
        """After such code, however the pass ends."""

    async def transform_output(self, result: TransformOutputResult) -> None:
        """After a function or step has ended: replace what it returned."""

    async def before_response(self) -> None:
        """Before the end of the pass is written."""

    async def before_send_events(self, events: list[Event]) -> None:
        """Before events are stored: change or add some."""

    async def after_send_events(self, result: SendEventsResult) -> None:
        """After events were stored or refused."""


UninitializedMiddleware: TypeAlias = Callable[[Any, object], Middleware | MiddlewareSync]
"""A class, or anything else that makes middleware for one pass or one send."""


class Hooks:
    """The middleware of one pass through a function."""

    def __init__(self, attempt: Attempt, kinds: Sequence[UninitializedMiddleware]) -> None:
        self._attempt = attempt
        self._middleware = [kind(attempt.function.client, None) for kind in kinds]
        self._executing = False

    def transform_input(self, ctx: Any) -> None:
        """Let middleware change what the function gets."""
        memos = [entry for entry in self._attempt.claimed.journal.values() if entry.finished(self._attempt.claimed.now)]
        for one in self._middleware:
            _completed(one.transform_input(ctx, self._attempt.function, StepMemos(memos)))
        if not self._attempt.replaying:
            self.before_execution()

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

    def transform_error(self, error: Exception) -> Exception:
        """Return what middleware makes of the error that a function ends with."""
        result = TransformOutputResult(error, NO_OUTPUT, None)
        self._transform(result)
        return result.error or error

    def _transform(self, result: TransformOutputResult) -> None:
        for one in reversed(self._middleware):
            _completed(one.transform_output(result))

    def before_response(self) -> None:
        """Say that the end of the pass is about to be written."""
        for one in self._middleware:
            _completed(one.before_response())


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
