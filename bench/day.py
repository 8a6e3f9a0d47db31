"""A day of work, made up for pictures: calls that are parsed, some that fail, some that wait."""

import random
from datetime import timedelta
from typing import Any

ERRORS = (
    ("The model is overloaded.\n503 UNAVAILABLE: the model is overloaded, try again later", "ServerError"),
    ("429 RESOURCE_EXHAUSTED: quota of requests per minute", "ClientError"),
    ("The file has no text: scan.pdf holds pictures only", "NonRetriableError"),
)
STEPS = ("update-status-parsing", "read-file", "parse-transcript", "classify-people", "save-parsed-results")


def fill() -> dict[str, str]:
    """Make up a day of work and return the addresses of what is shown."""
    from django.contrib.auth.models import User

    from jobs import clock, schedule
    from jobs.types import LIVE, Op, Status, StepStatus
    from tests.jobs.factories import a_line, a_run, a_step, a_worker, an_attempt, an_error, an_event
    from transcripts.models import Account, Opportunity, Transcript

    random.seed(7)
    now = clock.now()
    User.objects.create_superuser("olga")
    schedule.follow_code()
    opportunity = Opportunity.objects.create(account=Account.objects.create(name="Nordwind"), name="Renewal")
    workers = [a_worker(pid=4100 + n, host="stepwell-1", busy=n * 3 + 2, version="2f4c9d1") for n in range(2)]
    calls = [
        Transcript.objects.create(title=f"Discovery call {n}", opportunity=opportunity, format="vtt") for n in range(40)
    ]

    def parse(minutes: float, status: Any, call: Any, **more: Any) -> Any:
        began = now - timedelta(minutes=minutes)
        seconds = random.uniform(6, 55)
        event = an_event(
            "transcript/uploaded",
            data={"transcript_id": call.pk},
            received_at=began,
            id=_id(began),
            source=more.pop("source", "event"),
        )
        live = status in LIVE
        values = {
            "queued_at": began,
            "started_at": None if status == Status.QUEUED else began + timedelta(milliseconds=random.randint(2, 900)),
            "ended_at": None if live else began + timedelta(seconds=seconds),
            "function": "stepwell-parse-transcript",
            "subject": f"transcripts.transcript/{call.pk}",
            "output": {"pains": 3, "people": 4, "quotes": 11, "next_steps": 2} if status == Status.COMPLETED else None,
            "worker": random.choice(workers).pk,
            "id": _id(began),
        }
        return a_run(status, events=[event], **(values | more))

    for minutes in sorted((random.triangular(3, 1435, 60) for _ in range(160)), reverse=True):
        call, chance = random.choice(calls), random.random()
        if chance < 0.07:
            text, name = random.choice(ERRORS)
            error = {**an_error(text, step="parse-transcript"), "name": name}
            run = parse(minutes, Status.FAILED, call, error=error)
            a_step(run, "update-status-parsing", started_at=run.started_at)
            a_step(run, "read-file", started_at=run.started_at + timedelta(seconds=1))
        elif chance < 0.09:
            parse(
                minutes, Status.CANCELLED, call, error={"code": "cancelled", "name": "", "message": "Cancelled by olga"}
            )
        elif chance < 0.3:
            began = now - timedelta(minutes=minutes)
            a_run(queued_at=began, started_at=began, ended_at=began + timedelta(milliseconds=34), id=_id(began))
        else:
            parse(minutes, Status.COMPLETED, call)
    error = {**an_error(ERRORS[0][0], step="parse-transcript"), "name": "ServerError"}
    ended = now - timedelta(minutes=8, seconds=8)
    failed = parse(9, Status.FAILED, calls[7], error=error, ended_at=ended, attempt=4)
    start = failed.started_at
    for number, name in enumerate(STEPS[:2]):
        a_step(
            failed, name, started_at=start + timedelta(seconds=number * 1.4), output={"turns": 412} if number else None
        )
    tries = [an_attempt(n, start + timedelta(seconds=3 + 15 * (n - 1)), message=ERRORS[0][0]) for n in (1, 2, 3, 4)]
    a_step(failed, STEPS[2], StepStatus.FAILED, started_at=start + timedelta(seconds=3), attempts=tries,
           error=an_error(ERRORS[0][0]), output=None)  # fmt: skip
    a_line(failed, "412 turns by 4 people", step="read-file", at=start + timedelta(seconds=2))
    a_line(failed, "Asked gemini for 38 kB", step=STEPS[2], at=start + timedelta(seconds=4))
    running = parse(0.5, Status.RUNNING, calls[3], current_step=STEPS[2], worker=workers[0].pk)
    a_step(running, STEPS[0], started_at=running.started_at)
    a_step(running, STEPS[1], started_at=running.started_at + timedelta(seconds=1), output={"turns": 188})
    parse(0.3, Status.RUNNING, calls[4], current_step=STEPS[1], worker=workers[1].pk)
    sleeping = parse(1.5, Status.SLEEPING, calls[5], run_at=now + timedelta(seconds=40), attempt=1)
    a_step(sleeping, STEPS[2], StepStatus.RETRYING, tries=1, attempts=[an_attempt(1, sleeping.started_at)], output=None)
    for n in range(3):
        parse(0.05, Status.QUEUED, calls[10 + n], run_at=now)
    from jobs.models import FunctionState, Wait

    waiting = parse(14, Status.WAITING, calls[8], run_at=now + timedelta(hours=2), id=_id(now - timedelta(minutes=14)))
    a_step(waiting, STEPS[1], output={"turns": 96})
    a_step(waiting, "wait-for-approval", StepStatus.WAITING, op=Op.WAIT_FOR_EVENT, wake_at=waiting.run_at, output=None)
    Wait.objects.create(run=waiting.pk, step="1", event="transcript/approved", registered_at=now, since=now,
                        expression="async.data.transcript_id == event.data.transcript_id", snapshot="",
                        expires_at=waiting.run_at)  # fmt: skip
    FunctionState.objects.create(
        id="stepwell-hello-world", paused=True, paused_at=now - timedelta(minutes=3), paused_by="olga"
    )
    for n in range(2):
        began = now - timedelta(seconds=50 - n)
        a_run(
            Status.QUEUED,
            queued_at=began,
            run_at=began,
            rank=began,
            id=_id(began),
            blocked_by="paused stepwell-hello-world",
        )
    nightly = a_run(function="stepwell-prune-history", trigger="jobs/scheduled.timer", events=[])
    from jobs.models import Schedule

    Schedule.objects.filter(function="stepwell-prune-history").update(
        last_run=nightly.pk, last_at=now - timedelta(hours=13)
    )
    an_event("crm/contact.changed", data={"contact": 311, "token": "s3cret"}, source="http", sender="crm")
    event = failed.events.get()
    a_step(running, "tell", op=Op.SEND_EVENT, output=[str(event.pk)])
    return {"waiting": str(waiting.pk), "failed": str(failed.pk), "running": str(running.pk), "event": str(event.pk)}


def _id(moment: Any) -> Any:
    from uuid import UUID

    from jobs import identity

    return UUID(int=identity.first_of(moment).int | 7 << 76 | 2 << 62 | random.getrandbits(60))
