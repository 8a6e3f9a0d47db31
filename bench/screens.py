"""Takes the pictures of docs/screenshots: `python -m bench.screens [NAME]`; a day of work is made up for them."""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.place import ROOT, database

FOLDER = ROOT / "docs" / "screenshots"
TALLEST = 1280
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
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
    from jobs.types import Op, Status, StepStatus
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
        live = status in (Status.QUEUED, Status.RUNNING, Status.SLEEPING)
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
    nightly = a_run(function="stepwell-prune-history", trigger="jobs/scheduled.timer", events=[])
    from jobs.models import Schedule

    Schedule.objects.filter(function="stepwell-prune-history").update(
        last_run=nightly.pk, last_at=now - timedelta(hours=13)
    )
    an_event("crm/contact.changed", data={"contact": 311, "token": "s3cret"}, source="http", sender="crm")
    event = failed.events.get()
    a_step(running, "tell", op=Op.SEND_EVENT, output=[str(event.pk)])
    return {"failed": str(failed.pk), "running": str(running.pk), "event": str(event.pk)}


def _id(moment: Any) -> Any:
    from uuid import UUID

    from jobs import identity

    return UUID(int=identity.first_of(moment).int | 7 << 76 | 2 << 62 | random.getrandbits(60))


def screens(made: dict[str, str]) -> dict[str, str]:
    """Return the address of each picture, by its name."""
    jobs = "/admin/jobs"
    return {
        "overview": "/admin/",
        "runs": f"{jobs}/run/",
        "runs-failed": f"{jobs}/run/?status=failed&time=24h",
        "run-failed": f"{jobs}/run/{made['failed']}/",
        "run-running": f"{jobs}/run/{made['running']}/",
        "events": f"{jobs}/event/",
        "event": f"{jobs}/event/{made['event']}/",
        "event-send": f"{jobs}/event/send/?name=transcript/uploaded",
        "functions": f"{jobs}/function/",
        "function": f"{jobs}/function/stepwell-parse-transcript/",
        "schedules": f"{jobs}/schedule/",
        "workers": f"{jobs}/worker/",
        "keys": f"{jobs}/eventkey/",
    }


@contextmanager
def served() -> Iterator[str]:
    """Serve the site on a free port."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


def shoot(base: str, made: dict[str, str], only: str) -> None:
    """Take every picture in both themes, and some on a phone."""
    from django.contrib.auth.models import User
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from tests.conftest import CHROMIUM_ARGUMENTS, chromium_path

    client = Client()
    client.force_login(User.objects.get(username="olga"))
    cookie: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}
    arguments = [*CHROMIUM_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        for scheme, size, suffix in (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("light", PHONE, "phone")):
            context: Any = browser.new_context(
                viewport=size, color_scheme=scheme, reduced_motion="reduce", base_url=base
            )
            context.add_cookies([cookie])
            page = context.new_page()
            for name, address in screens(made).items():
                if only in name:
                    page.goto(address)
                    _shoot(page, name, suffix)
            _extras(page, made, only, suffix)
        browser.close()


def _extras(page: Any, made: dict[str, str], only: str, suffix: str) -> None:
    if only in "bulk-confirm":
        page.goto("/admin/jobs/run/?status=failed&time=24h")
        page.select_option("#bulk-scope", "all")
        page.click("#bulk-replay")
        page.wait_for_selector("h1")
        _shoot(page, "bulk-confirm", suffix)
    if only in "run-again":
        page.goto(screens(made)["run-failed"])
        page.click("#again-open")
        page.screenshot(path=str(_path("run-again", suffix)))


def _shoot(page: Any, name: str, suffix: str) -> None:
    # A long list says no more further down.
    height = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": min(height, TALLEST)}
    page.screenshot(path=str(_path(name, suffix)), full_page=True, clip=clip)


def _path(name: str, suffix: str) -> Path:
    return FOLDER / f"{name}-{suffix}.png"


def main() -> None:
    """Make a database, fill it, take the pictures and drop it."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "STATIC_FROM_SOURCE": "1", "LOG_LEVEL": "WARNING"}
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        made = fill()
        with served() as base:
            shoot(base, made, sys.argv[1] if len(sys.argv) > 1 else "")
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
