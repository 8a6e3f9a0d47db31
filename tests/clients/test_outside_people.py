"""What a client's own people are not told: why runs failed inside, and anything of other clients."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client as Browser
from django.urls import reverse

from clients.models import Client, ClientUser, ContentBrief
from jobs.types import Status, StepStatus
from tests.clients.conftest import signed_in
from tests.jobs.factories import a_line, a_run, a_step, an_attempt, an_error

pytestmark = pytest.mark.django_db
INSIDE = ("/srv/site/model.py", "RawProviderError", "internal-host-7", "line 42")


@pytest.fixture
def ann() -> Browser:
    """An editor of Acme, who is not of the site's own people."""
    browser = signed_in("ann")
    acme = Client.objects.create(name="Acme", domain="acme.example")
    ClientUser.objects.create(client=acme, user=User.objects.get(username="ann"), role="editor")
    return browser


def a_failed_run(subject: str) -> None:
    error = an_error("RawProviderError: internal-host-7 refused", step="ask") | {"stack": "/srv/site/model.py line 42"}
    for _ in range(2):
        run = a_run(Status.FAILED, subject=subject, error=error)
        attempts = [an_attempt(number, run.started_at, message=error["message"]) for number in (1, 2)]
        a_step(run, "ask", StepStatus.FAILED, attempts=attempts, error=error, output=None)
        a_line(run, "asking internal-host-7")


def allow(name: str, *permissions: str) -> None:
    User.objects.get(username=name).user_permissions.add(*Permission.objects.filter(codename__in=permissions))


def test_outside_people_see_that_a_run_failed_and_not_what_its_error_says(ann: Browser) -> None:
    acme = Client.objects.get()
    a_failed_run(acme.subject)
    html = ann.get(acme.get_absolute_url()).content.decode()
    assert "Failed" in html
    assert not [word for word in INSIDE if word in html]
    brief = ContentBrief.objects.create(client=acme, title="One")
    a_failed_run(brief.subject)
    html = ann.get(brief.get_absolute_url()).content.decode()
    assert not [word for word in INSIDE if word in html]


def test_only_people_who_may_see_runs_read_their_errors() -> None:
    acme = Client.objects.create(name="Acme")
    a_failed_run(acme.subject)
    rita = signed_in("rita", "view_client")
    address = reverse("admin:jobs_about", args=["clients.client", acme.pk])
    for page in (acme.get_absolute_url(), address):
        html = rita.get(page).content.decode()
        assert not [word for word in INSIDE if word in html], page
    allow("rita", "view_run")
    html = rita.get(acme.get_absolute_url()).content.decode()
    assert "internal-host-7" in html
    assert "/srv/site/model.py" in html


def test_the_edit_form_of_outside_people_tells_no_other_clients_name(ann: Browser) -> None:
    acme = Client.objects.get()
    Client.objects.create(name="Secret Berg", domain="berg.example")
    answer = ann.post(f"/clients/{acme.pk}/edit/", {"name": "Acme", "domain": "berg.example"})
    assert answer.status_code == 400
    assert "Berg" not in answer.content.decode()
    assert "berg.example cannot be used here" in answer.content.decode()
    taken = ann.post(f"/clients/{acme.pk}/edit/", {"name": "Secret Berg", "domain": "acme.example"}).content.decode()
    assert "This name cannot be used here" in taken
    assert "already exists" not in taken


def test_briefs_of_others_and_briefs_that_are_not_there_answer_alike(ann: Browser) -> None:
    other = ContentBrief.objects.create(client=Client.objects.create(name="Berg"), title="Two")
    nobodys = ContentBrief.objects.create(title="Nobody's")
    own = ContentBrief.objects.create(client=Client.objects.get(name="Acme"), title="One")
    assert ann.get(own.get_absolute_url()).status_code == 200
    for pk in (other.pk, nobodys.pk, 999_999):
        for page in ("", "state/"):
            assert ann.get(f"/clients/briefs/{pk}/{page}").status_code == 403
        assert ann.post(f"/clients/briefs/{pk}/retry/").status_code == 403
