"""What product code calls: define functions and send events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from jobs import conf
from jobs.context import ContextSync
from jobs.registry import Function, default_retries, registry
from jobs.types import FUNCTION_FAILED, Event, Priority, Trigger, TriggerEvent

T = TypeVar("T")


class Client:
    """Defines functions under one app id and sends events."""

    def __init__(self, *, app_id: str | None = None) -> None:
        self._app_id = app_id

    @property
    def app_id(self) -> str:
        """The first part of its functions' ids; `JOBS["APP_ID"]` unless given."""
        return self._app_id or conf.settings().APP_ID

    def create_function(
        self,
        *,
        fn_id: str,
        trigger: Trigger | list[Trigger],
        name: str | None = None,
        retries: int | None = None,
        priority: Priority | None = None,
        on_failure: Callable[[ContextSync], Any] | None = None,
        output_type: Any = None,
        backoff: conf.Backoff | None = None,
        subject: str | Callable[[Event], str] | None = None,
    ) -> Callable[[Callable[[ContextSync], T]], Function]:
        """Make a durable function of the decorated one.

        fn_id: unique in the app; the full id is `<app id>-<fn_id>`.
        retries: 0 to 20; a step, or the body between steps, is tried once more than that.
        backoff: seconds to wait after failed attempt n (0-based), as a list or a callable.
        subject: the product object a run is about, for pages: `"app.model/{key of event.data}"` or a callable.
        on_failure: called with the event `jobs/function.failed` in a run of its own, `<fn_id>-failure`.
        """

        def decorate(handler: Callable[[ContextSync], T]) -> Function:
            function = Function(
                fn_id=fn_id,
                app_id=self.app_id,
                name=name or fn_id,
                handler=handler,
                triggers=tuple(trigger) if isinstance(trigger, list) else (trigger,),
                retries=default_retries() if retries is None else retries,
                backoff=backoff,
                priority=priority,
                subject=subject,
                output_type=output_type,
                on_failure=self._failure_function(fn_id, on_failure) if on_failure else None,
            )
            registry.add(function)
            return function

        return decorate

    def _failure_function(self, fn_id: str, handler: Callable[[ContextSync], Any]) -> Function:
        return Function(
            fn_id=f"{fn_id}-failure",
            app_id=self.app_id,
            name=f"{fn_id}: on failure",
            handler=handler,
            triggers=(TriggerEvent(event=FUNCTION_FAILED),),
            retries=default_retries(),
            failure_of=f"{self.app_id}-{fn_id}",
        )

    def send_sync(self, events: Event | list[Event]) -> list[str]:
        """Store events and open the runs they start; returns their ids in order.

        Inside `transaction.atomic()` this commits or vanishes together with your rows.
        """
        # Models cannot be imported before Django has loaded its apps, and `import jobs` must work earlier.
        from jobs.events import send

        return [str(sent.event_id) for sent in send(events if isinstance(events, list) else [events])]

    async def send(self, events: Event | list[Event]) -> list[str]:
        """Do the same from async code, in a transaction of its own."""
        return await sync_to_async(self.send_sync)(events)


client = Client()
