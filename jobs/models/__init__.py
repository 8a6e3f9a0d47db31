"""The engine's tables, and every SQL statement it runs."""

from jobs.models.alert import Alert
from jobs.models.event import Event, SeenId
from jobs.models.flow import FreedKey, FunctionState, Throttle
from jobs.models.hour import Hour
from jobs.models.key import EventKey
from jobs.models.run import Run, RunEvent
from jobs.models.schedule import Schedule
from jobs.models.step import LogLine, Step
from jobs.models.wait import Delivery, Wait
from jobs.models.worker import Worker

__all__ = [
    "Alert",
    "Delivery",
    "Event",
    "EventKey",
    "FreedKey",
    "FunctionState",
    "Hour",
    "LogLine",
    "Run",
    "RunEvent",
    "Schedule",
    "SeenId",
    "Step",
    "Throttle",
    "Wait",
    "Worker",
]
