"""Durable runs of Python functions: an event starts a run, each step of it is journaled in PostgreSQL.

Everything that product code needs is here; the modules below are the engine's rooms, described in CONTRIBUTING.md.
"""

from jobs.client import Client, client
from jobs.context import ContextSync
from jobs.errors import NonRetriableError, RetryAfterError, SendEventsError, StepError
from jobs.registry import Function
from jobs.step import StepSync
from jobs.types import JSON, Event, Priority, TriggerCron, TriggerEvent

create_function = client.create_function
send = client.send
send_sync = client.send_sync

__all__ = [
    "JSON",
    "Client",
    "ContextSync",
    "Event",
    "Function",
    "NonRetriableError",
    "Priority",
    "RetryAfterError",
    "SendEventsError",
    "StepError",
    "StepSync",
    "TriggerCron",
    "TriggerEvent",
    "create_function",
    "send",
    "send_sync",
]
