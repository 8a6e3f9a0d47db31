"""A day of work, made up for pictures: calls that are parsed, some that fail, some that wait. Needs Django set up."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from jobs import clock, identity, schedule
from jobs.models import FunctionState, Run, Schedule, Wait
from jobs.types import LIVE, Op, Source, Status, StepStatus
from tests.jobs.factories import a_line, a_run, a_step, a_worker, an_attempt, an_error, an_event
from transcripts.models import Account, Opportunity, Transcript

BUSY = ("The model is overloaded.\n503 UNAVAILABLE: the model is overloaded, try again later", "ServerError")
ERRORS = (
    BUSY,
    ("429 RESOURCE_EXHAUSTED: quota of requests per minute", "ClientError"),
    ("The file has no text: scan.pdf holds pictures only", "NonRetriableError"),
)
BEGIN, READ, PARSE = "update-status-parsing", "read-file", "parse-transcript"
OUTPUT = {"pains": 3, "people": 4, "quotes": 11, "next_steps": 2}
HELLO = "stepwell-hello-world"
OTHERS = (
    ("capture-pr-details", "capture/pr.details", {"repositoryId": 1, "prNumber": 139, "priority": "medium"}, (0.4, 2)),
    ("capture-pr-reviews", "capture/pr.reviews", {"repositoryId": 1, "prNumber": 139, "priority": "low"}, (0.2, 1)),
    ("capture-repository-sync", "capture/repository.sync", {"repositoryId": 1, "reason": "schedule"}, (1, 9)),
    ("enhance-client-with-ai", "client/enhance.requested", {"clientId": 1}, (8, 45)),
    ("enrich-tender", "tender/enrich.requested", {"tenderId": 1}, (0.6, 4)),
)
"""Function, event, data, and the seconds that its runs take."""


class Day:
    """The calls and workers of one day, and how its runs went."""

    def __init__(self) -> None:
        random.seed(7)
        self.now = clock.now()
        account = Account.objects.create(name="Nordwind")
        opportunity = Opportunity.objects.create(account=account, name="Renewal")
        titles = [f"Discovery call {n}" for n in range(40)]
        self.calls = [Transcript.objects.create(title=each, opportunity=opportunity, format="vtt") for each in titles]
        self.workers = [a_worker(pid=4100 + n, host="stepwell-1", busy=n * 3 + 2, version="2f4c9d1") for n in range(2)]

    def ago(self, **time: float) -> datetime:
        """Return a moment before now."""
        return self.now - timedelta(**time)

    def parse(self, minutes: float, status: Status, call: Transcript, **more: Any) -> Run:
        """Make a run of parse-transcript that was queued so many minutes ago."""
        began = self.ago(minutes=minutes)
        data = {"transcript_id": call.pk}
        event = an_event("transcript/uploaded", data=data, received_at=began, id=_id(began))
        values = {
            "queued_at": began,
            "started_at": None if status == Status.QUEUED else began + timedelta(milliseconds=random.randint(2, 900)),
            "ended_at": None if status in LIVE else began + timedelta(seconds=random.uniform(6, 55)),
            "function": "stepwell-parse-transcript",
            "subject": f"transcripts.transcript/{call.pk}",
            "output": OUTPUT if status == Status.COMPLETED else None,
            "worker": random.choice(self.workers).pk,
            "id": _id(began),
        }
        return a_run(status, events=[event], **(values | more))

    def hour_by_hour(self) -> None:
        """Make what has ended in the course of the day."""
        for minutes in sorted((random.triangular(3, 1435, 60) for _ in range(160)), reverse=True):
            call, chance = random.choice(self.calls), random.random()
            if chance < 0.07:
                self.parse(minutes, Status.FAILED, call, error=_error(*random.choice(ERRORS)))
            elif chance < 0.09:
                self.parse(minutes, Status.CANCELLED, call, error={"message": "Cancelled by olga"})
            elif chance < 0.3:
                began = self.ago(minutes=minutes)
                a_run(queued_at=began, started_at=began, ended_at=began + timedelta(milliseconds=34), id=_id(began))
            else:
                self.parse(minutes, Status.COMPLETED, call)
        for minutes in sorted((random.triangular(2, 1435, 200) for _ in range(260)), reverse=True):
            self.other(minutes)

    def other(self, minutes: float) -> None:
        """Make a run of another product that completed."""
        function, name, data, seconds = random.choice(OTHERS)
        began = self.ago(minutes=minutes)
        ended = began + timedelta(seconds=random.uniform(*seconds))
        event = an_event(name, data=data, received_at=began, id=_id(began))
        times = {"queued_at": began, "started_at": began, "ended_at": ended, "id": _id(began)}
        a_run(function=f"stepwell-{function}", events=[event], **times)

    def failed(self) -> Run:
        """Make a run whose third step failed four times."""
        ended = self.ago(minutes=8, seconds=8)
        run = self.parse(9, Status.FAILED, self.calls[7], error=_error(*BUSY), ended_at=ended, attempt=4)
        begun = [run.started_at + timedelta(seconds=seconds) for seconds in (0, 1.4, 3, 18, 33, 48)]
        a_step(run, BEGIN, started_at=begun[0], output=None)
        a_step(run, READ, started_at=begun[1], output={"turns": 412})
        attempts = [an_attempt(n, at, message=BUSY[0]) for n, at in enumerate(begun[2:], start=1)]
        failure = {"attempts": attempts, "error": an_error(BUSY[0]), "output": None}
        a_step(run, PARSE, StepStatus.FAILED, started_at=begun[2], **failure)
        a_line(run, "412 turns by 4 people", step=READ, at=begun[1])
        a_line(run, "Asked gemini for 38 kB", step=PARSE, at=begun[2])
        return run

    def running(self) -> Run:
        """Make what runs, sleeps and is queued right now; returns a run in its third step."""
        run = self.parse(0.5, Status.RUNNING, self.calls[3], current_step=PARSE, worker=self.workers[0].pk)
        a_step(run, BEGIN, started_at=run.started_at, output=None)
        a_step(run, READ, started_at=run.started_at + timedelta(seconds=1), output={"turns": 188})
        self.parse(0.3, Status.RUNNING, self.calls[4], current_step=READ, worker=self.workers[1].pk)
        due = self.now + timedelta(seconds=40)
        sleeping = self.parse(1.5, Status.SLEEPING, self.calls[5], run_at=due, attempt=1)
        attempts = [an_attempt(1, sleeping.started_at)]
        a_step(sleeping, PARSE, StepStatus.RETRYING, tries=1, attempts=attempts, output=None)
        for n in range(3):
            self.parse(0.05, Status.QUEUED, self.calls[10 + n], run_at=self.now)
        return run

    def waiting(self) -> Run:
        """Make a run that waits for an event."""
        until = self.now + timedelta(hours=2)
        run = self.parse(14, Status.WAITING, self.calls[8], run_at=until)
        a_step(run, READ, output={"turns": 96})
        a_step(run, "wait-for-approval", StepStatus.WAITING, op=Op.WAIT_FOR_EVENT, wake_at=until, output=None)
        condition = "async.data.transcript_id == event.data.transcript_id"
        times = {"registered_at": self.now, "since": self.now, "expires_at": until}
        Wait.objects.create(run=run.pk, step="1", event="transcript/approved", expression=condition, **times)
        return run

    def paused(self) -> None:
        """Make a paused function and two runs that wait for it."""
        FunctionState.objects.create(id=HELLO, paused=True, paused_at=self.ago(minutes=3), paused_by="olga")
        for n in range(2):
            began = self.ago(seconds=50 - n)
            held = {"run_at": began, "rank": began, "blocked_by": f"paused {HELLO}"}
            a_run(Status.QUEUED, queued_at=began, id=_id(began), **held)

    def scheduled(self) -> None:
        """Make the last tick of a schedule."""
        schedule.follow_code()
        function = "stepwell-prune-history"
        at = self.ago(hours=13)
        times = {"queued_at": at, "started_at": at, "ended_at": at + timedelta(seconds=9), "id": _id(at)}
        run = a_run(function=function, trigger="jobs/scheduled.timer", events=[], **times)
        Schedule.objects.filter(function=function).update(last_run=run.pk, last_at=at)


def fill() -> dict[str, str]:
    """Make up a day of work and return the ids of what is shown of it."""
    User.objects.create_superuser("olga")
    day = Day()
    day.hour_by_hour()
    day.paused()
    day.scheduled()
    an_event("crm/contact.changed", data={"contact": 311, "token": "s3cret"}, source=Source.HTTP, sender="crm")
    failed = day.failed()
    shown = {"failed": failed, "running": day.running(), "waiting": day.waiting(), "event": failed.events.get()}
    return {name: str(each.pk) for name, each in shown.items()}


def _error(message: str, name: str) -> dict[str, Any]:
    return {**an_error(message, step=PARSE), "name": name}


def _id(moment: datetime) -> UUID:
    return UUID(int=identity.first_of(moment).int | 7 << 76 | 2 << 62 | random.getrandbits(60))
