"""Durable runs of Python functions: an event starts a run, each step of it is journaled in PostgreSQL.

Everything that product code needs is here; the modules below are the engine's rooms, described in CONTRIBUTING.md.
"""

from jobs.aio import Step
from jobs.aiogroup import GroupAsync as Group
from jobs.client import Client, client, send_signal
from jobs.context import Context, ContextSync
from jobs.errors import NonRetriableError, RetryAfterError, SendEventsError, StepError, StepTimeout
from jobs.flow import Batch, Cancel, Concurrency, Debounce, Priority, RateLimit, Singleton, Throttle, Timeouts
from jobs.function import Function
from jobs.group import GroupSync
from jobs.middleware import Middleware, MiddlewareSync, SendEventsResult, StepMemos, TransformOutputResult
from jobs.serialize import PydanticSerializer, Serializer
from jobs.step import StepSync
from jobs.types import JSON, Event, ParallelMode, TriggerCron, TriggerEvent

create_function = client.create_function
send = client.send
send_sync = client.send_sync

__all__ = [
    "JSON",
    "Batch",
    "Cancel",
    "Client",
    "Concurrency",
    "Context",
    "ContextSync",
    "Debounce",
    "Event",
    "Function",
    "Group",
    "GroupSync",
    "Middleware",
    "MiddlewareSync",
    "NonRetriableError",
    "ParallelMode",
    "Priority",
    "PydanticSerializer",
    "RateLimit",
    "RetryAfterError",
    "SendEventsError",
    "SendEventsResult",
    "Serializer",
    "Singleton",
    "Step",
    "StepError",
    "StepMemos",
    "StepSync",
    "StepTimeout",
    "Throttle",
    "Timeouts",
    "TransformOutputResult",
    "TriggerCron",
    "TriggerEvent",
    "create_function",
    "send",
    "send_signal",
    "send_sync",
]
