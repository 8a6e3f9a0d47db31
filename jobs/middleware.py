"""Hooks around functions, steps and sending, with the names and the order they have in Inngest's SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from jobs.errors import StepError
from jobs.types import Event

if TYPE_CHECKING:
    from jobs.function import Function

Client: TypeAlias = Any
"""`jobs.Client`, which stands above this module."""

NO_OUTPUT: Any = object()


class SendEventsResult:
    """What became of a send: the ids of the stored events, and in words why others were refused."""

    def __init__(self, *, ids: Sequence[str] = (), error: str | None = None) -> None:
        self.ids = list(ids)
        self.error = error


@dataclass
class StepMemo:
    """What a step returned, which middleware may replace for the body, or the error that it ended with."""

    data: Any
    error: StepError | None = None


class StepMemos:
    """The steps that had finished before the body goes on."""

    def __init__(self, memos: Mapping[str, StepMemo]) -> None:
        self._memos = memos

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._memos)

    def values(self) -> Iterator[StepMemo]:
        """Yield them."""
        return iter(self._memos.values())


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
