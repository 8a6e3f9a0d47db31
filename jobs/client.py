"""What product code calls: define functions, send events and signals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, overload

from asgiref.sync import sync_to_async

from jobs import conf, hooks
from jobs.context import Context, ContextSync
from jobs.flow import Batch, Cancel, Concurrency, Debounce, Priority, RateLimit, Singleton, Throttle, Timeouts
from jobs.function import Function
from jobs.middleware import UninitializedMiddleware
from jobs.registry import registry
from jobs.serialize import Serializer
from jobs.types import FUNCTION_FAILED, Event, Trigger, TriggerEvent

T = TypeVar("T")


class Decorator(Protocol):
    """Makes a function durable; its type is that of what the handler returns."""

    @overload
    def __call__(self, handler: Callable[[Context], Awaitable[T]]) -> Function[T]: ...
    @overload
    def __call__(self, handler: Callable[[ContextSync], T]) -> Function[T]: ...


class Client:
    """Defines functions under one app id and sends events.

    `middleware` and `serializer` are used by all its functions, and their lines go to `logger`. Everything else that
    Inngest's client takes is accepted and ignored: there is no other server to be reached.
    """

    def __init__(
        self,
        *,
        app_id: str | None = None,
        middleware: list[UninitializedMiddleware] | None = None,
        serializer: Serializer | None = None,
        logger: Any = None,
        **elsewhere: Any,
    ) -> None:
        self._app_id = app_id
        self.middleware = list(middleware or [])
        self.serializer = serializer
        self.logger = logger

    def set_logger(self, logger: Any) -> None:
        """Have the lines of its functions written to this logger of Python's as well."""
        self.logger = logger

    @property
    def app_id(self) -> str:
        """The first part of its functions' ids; `JOBS["APP_ID"]` unless given."""
        return self._app_id or conf.settings().APP_ID

    def add_middleware(self, middleware: UninitializedMiddleware) -> None:
        """Use this middleware for all functions and sends, after what there is."""
        self.middleware.append(middleware)

    def create_function(
        self,
        *,
        fn_id: str,
        trigger: Trigger | list[Trigger] | list[TriggerEvent] | list[Any],
        name: str | None = None,
        retries: int | None = None,
        batch_events: Batch | None = None,
        cancel: list[Cancel] | None = None,
        concurrency: list[Concurrency] | None = None,
        debounce: Debounce | None = None,
        idempotency: str | None = None,
        priority: Priority | None = None,
        rate_limit: RateLimit | None = None,
        singleton: Singleton | None = None,
        throttle: Throttle | None = None,
        timeouts: Timeouts | None = None,
        on_failure: Callable[[Any], Any] | None = None,
        output_type: Any = None,
        middleware: list[UninitializedMiddleware] | None = None,
        backoff: conf.Backoff | None = None,
        subject: str | Callable[[Event], str] | None = None,
    ) -> Decorator:
        """Make a durable function of the decorated one, which may be async.

        fn_id: unique in the app; the full id is `<app id>-<fn_id>`.
        retries: 0 to 20; a step, or the body between steps, is tried once more than that.
        idempotency: CEL over `event`; for each value one run starts in 24 hours.
        on_failure: called with the event `jobs/function.failed` in a run of its own, `<fn_id>-failure`.
        output_type: what the function returns, for those who invoke it.
        backoff: seconds to wait after failed attempt n (0-based), as a list or a callable.
        subject: the product object a run is about, for pages: `"app.model/{key of event.data}"` or a callable.
        The limits are described in `jobs.flow`.
        """

        def decorate(handler: Callable[[Any], Any]) -> Function[Any]:
            function: Function[Any] = Function(
                fn_id=fn_id,
                app_id=self.app_id,
                name=name or fn_id,
                handler=handler,
                triggers=tuple(trigger) if isinstance(trigger, list) else (trigger,),
                retries=conf.settings().RETRIES if retries is None else retries,
                backoff=backoff,
                priority=priority,
                concurrency=tuple(concurrency or ()),
                throttle=throttle,
                rate_limit=rate_limit,
                debounce=debounce,
                batch_events=batch_events,
                singleton=singleton,
                idempotency=idempotency,
                cancel=tuple(cancel or ()),
                timeouts=timeouts,
                subject=subject,
                output_type=output_type,
                middleware=tuple(middleware or ()),
                client=self,
                on_failure=self._failure_function(fn_id, on_failure, middleware) if on_failure else None,
            )
            registry.add(function)
            return function

        return decorate

    def _failure_function(
        self, fn_id: str, handler: Callable[[Any], Any], middleware: list[UninitializedMiddleware] | None
    ) -> Function[Any]:
        return Function(
            fn_id=f"{fn_id}-failure",
            app_id=self.app_id,
            name=f"{fn_id}: on failure",
            handler=handler,
            triggers=(TriggerEvent(event=FUNCTION_FAILED),),
            retries=conf.settings().RETRIES,
            client=self,
            middleware=tuple(middleware or ()),
            failure_of=f"{self.app_id}-{fn_id}",
        )

    def send_sync(self, events: Event | list[Event], *, skip_middleware: bool = False) -> list[str]:
        """Store events and open the runs they start; returns their ids in order.

        Inside `transaction.atomic()` this commits or vanishes together with your rows.
        """
        # Models cannot be imported before Django has loaded its apps, and `import jobs` must work earlier.
        from jobs.events import send

        several = list(events) if isinstance(events, list) else [events]
        if self.middleware and not skip_middleware:
            return hooks.sending(self, self.middleware, several, lambda: _ids(send(several)))
        return _ids(send(several))

    async def send(self, events: Event | list[Event], *, skip_middleware: bool = False) -> list[str]:
        """Do the same from async code, in a transaction of its own."""
        return await sync_to_async(self.send_sync)(events, skip_middleware=skip_middleware)


def _ids(sent: list[Any]) -> list[str]:
    return [str(one.event_id) for one in sent]


def send_signal(signal: str, data: Any = None) -> str:
    """Wake the runs that wait for this signal, with this data; returns the id of the event that carries it."""
    from jobs.events import signal as send

    return str(send(signal, data).event_id)


client = Client()
