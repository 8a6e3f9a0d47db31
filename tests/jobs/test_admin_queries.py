"""No page of the console asks more of the database because there is more in it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs import clock
from jobs.models import Schedule
from jobs.types import Status
from tests.jobs.admin import operator
from tests.jobs.factories import a_line, a_run, a_step, a_worker, an_error

pytestmark = pytest.mark.django_db
RUNS = "/admin/jobs/run/?"
PAGES = {
    "/admin/": 6,
    "/admin/?span=7d": 6,
    RUNS: 5,
    f"{RUNS}status=failed": 5,
    f"{RUNS}status=sleeping&time=24h": 5,
    f"{RUNS}function=stepwell-hello-world": 6,
    f"{RUNS}trigger=test/hello.world": 6,
    f"{RUNS}subject=transcripts.transcript/1": 5,
    f"{RUNS}source=http": 7,
    f"{RUNS}source=cron": 6,
    f"{RUNS}attempts=more": 7,
    f"{RUNS}error=overloaded": 7,
    f"{RUNS}q=overloaded": 9,
    f"{RUNS}q=data.email:ada@example.com": 7,
    f"{RUNS}q=01900000-0000-7000-8000-000000000000": 7,
    "/admin/jobs/event/": 4,
    "/admin/jobs/event/?q=data.email:ada@example.com": 5,
    "/admin/jobs/function/": 7,
    "/admin/jobs/function/stepwell-hello-world/": 12,
    "/admin/jobs/schedule/": 5,
    "/admin/jobs/worker/": 6,
    "/admin/jobs/eventkey/": 4,
}


def some_work() -> None:
    worker = a_worker()
    for status in Status:
        error = an_error() if status == Status.FAILED else None
        run = a_run(status, subject="transcripts.transcript/1", error=error, worker=worker.pk)
        a_step(run, "read")
        a_line(run, "said", step="read")
    hour = Schedule.objects.count()
    now = clock.now()
    Schedule.objects.create(function="stepwell-hello-world", cron=f"7 {hour} * * *", next_at=now, last_run=run.pk)


@pytest.mark.parametrize(("address", "most"), PAGES.items())
def test_a_page_takes_a_bounded_number_of_queries_however_much_there_is(address: str, most: int) -> None:
    client = operator()
    for _ in range(3):
        some_work()
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(address).status_code == 200
        assert len(asked) <= most, "\n".join(query["sql"] for query in asked)
