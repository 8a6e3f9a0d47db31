"""What fifty open pages of running runs cost: `python -m bench.polling`; processor time of our process alone."""

import os
import re
import sys
import time

from bench.place import database

PAGES, EVERY, ROUNDS = 50, 2.0, 30


def measure() -> None:
    """Let each page ask as often as its script does, and print the share of one core that takes."""
    from django.contrib.auth.models import User
    from django.test import Client

    from jobs import clock
    from jobs.ids import new_id
    from jobs.models import Run, Step
    from jobs.types import Status

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("olga"))
    asked: dict[str, str] = {}
    now = clock.now()
    for _ in range(PAGES):
        run = Run.objects.create(
            id=new_id(), function="stepwell-hello-world", status=Status.RUNNING, queued_at=now, started_at=now
        )
        for n in range(10):
            Step.objects.create(run=run, key=str(n), name=f"step-{n}", index=n, op="run", started_at=now, ended_at=now)
        asked[f"/admin/jobs/run/{run.pk}/"] = ""
    statuses: dict[int, int] = {}
    busy = 0.0
    for _ in range(ROUNDS):
        begun, used = time.monotonic(), time.process_time()
        for page, address in asked.items():
            answer = client.get(address or page, headers={"HX-Request": "true"} if address else {})
            if answer.status_code == 200:
                asked[page] = re.search(r'id="run" hx-get="([^"]+)"', answer.content.decode())[1].replace("&amp;", "&")  # type: ignore[index]
            if address:
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        busy += time.process_time() - used if statuses else 0
        time.sleep(max(0.0, EVERY - (time.monotonic() - begun)))
    polls = sum(statuses.values())
    share = busy / (ROUNDS - 1) / EVERY
    sys.stdout.write(f"{polls} polls {statuses}: {busy / polls * 1000:.2f} ms each, {share:.1%} of one core\n")


def main() -> None:
    """Make a database, measure and drop it."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    os.environ["STATIC_FROM_SOURCE"] = "1"
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        measure()
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
