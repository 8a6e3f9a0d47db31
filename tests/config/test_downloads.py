"""Files that are sent row by row: between two pages a slow reader holds no connection."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from jobs.admin import exporting
from jobs.types import Status
from tenders import exports
from tenders.models import Tender
from tests.jobs.factories import a_run

pytestmark = pytest.mark.django_db(transaction=True)


def lines_read(answer: Any, most: int) -> list[bytes]:
    parts = iter(answer.streaming_content)
    return [next(parts) for _ in range(most)]


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_slow_reader_of_tenders_holds_no_connection(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(exports, "_CHUNK", 2)
    for number in range(5):
        Tender.objects.create(ocid=f"ocds-{number}", source="file", number=str(number))
    answer = Client().get(f"/tenders/export/{kind}")
    lines_read(answer, 3)
    assert connection.connection is None
    rest = b"".join(answer.streaming_content)
    assert rest.count(b"ocds-") == 5 - 3 + (kind == "csv")


def test_a_slow_reader_of_runs_holds_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "_CHUNK", 2)
    for _ in range(5):
        a_run(Status.COMPLETED)
    reader = Client()
    reader.force_login(User.objects.create_superuser("olga"))
    answer = reader.get("/admin/jobs/run/export.csv")
    first = lines_read(answer, 2)
    assert connection.connection is None
    assert (b"".join(first) + b"".join(answer.streaming_content)).count(b"\r\n") == 6
