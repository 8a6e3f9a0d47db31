"""Values at the ends of the calendar, and addresses with NUL: refused or left out, never a failure of the site."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs.models import EventKey
from jobs.types import Status
from tests.jobs.factories import a_run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "odd", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1900-01-01T00:00:00", "2999-01-01T00:00:00"]
)
@pytest.mark.parametrize("name", ["since", "until"])
def test_lists_and_exports_take_any_moment(odd: str, name: str) -> None:
    admin = Client()
    admin.force_login(User.objects.create_superuser("olga"))
    a_run(Status.COMPLETED)
    assert admin.get("/admin/jobs/run/", {name: odd}).status_code == 200
    exported = admin.get("/admin/jobs/run/export.csv", {name: odd})
    assert b"".join(exported.streaming_content).startswith(b"id,")


def test_a_cancellation_with_a_moment_outside_the_calendar_is_refused_in_words() -> None:
    caller = Client(headers={"Authorization": f"Bearer {EventKey.make('x', ['act'])[1]}"})
    asked = {"function_id": "stepwell-hello-world", "started_after": "0001-01-01T00:00:00+14:00"}
    answer = caller.post("/v1/cancellations", asked, content_type="application/json")
    assert (answer.status_code, "is not a time" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("path", ["/tenders/%00/", "/api/tenders/%00/releases/%00", "/admin/%00/"])
def test_an_address_with_nul_is_not_found(path: str) -> None:
    assert Client().get(path).status_code == 404
