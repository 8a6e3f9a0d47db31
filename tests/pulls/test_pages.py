"""The pages: what they show of a pull request, how they are narrowed down, and who may see them."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from pulls.models import PullRequest
from tests.pulls.conftest import capture_all, signed_in
from tests.standins import github as standin

pytestmark = pytest.mark.django_db
PAGES = ("repositories", "list", "people", "weeks")


@pytest.fixture
def captured(github, repository):
    """A pull request with a thread, a conversation, two reviews and a file, captured."""
    remote = github.add("octo/hello")
    pull = remote.pulls[5] = standin.pull(5, title="Teach <b>the</b> parser", body="Why & how")
    pull.reviews = [
        standin.review(1, state="CHANGES_REQUESTED"),
        standin.review(2, user=None, state="APPROVED", body="Fine by me"),
    ]
    pull.comments = [
        standin.code_comment(1, body="Why <script>here</script>?"),
        standin.code_comment(2, in_reply_to_id=300_001, body="Because.", user=None),
    ]
    pull.issue_comments = [standin.comment(3, body="Ship it\n\n**now**")]
    capture_all(repository, 5)
    return PullRequest.objects.get()


def test_the_page_of_a_pull_request_shows_files_reviews_threads_and_conversation(captured, looker):
    page = looker.get(captured.get_absolute_url()).content.decode()
    assert "Teach &lt;b&gt;the&lt;/b&gt; parser" in page
    assert "src/part_0000.py" in page
    assert "Changes requested" in page
    assert "Why &lt;script&gt;here&lt;/script&gt;?" in page
    assert page.index("Why &lt;script") < page.index("Because.") < page.index("Ship it")
    assert "**now**" in page
    assert page.count("ghost") >= 2


def test_a_pull_request_has_the_address_of_its_repository_and_number(captured, looker):
    assert captured.get_absolute_url() == f"/pulls/{captured.repository_id}-5/"
    assert looker.get(f"/pulls/{captured.pk}/").status_code == 200
    for wrong in ("x", "1-x", "99999-1", "1-2-3", "-", "9" * 30):
        assert looker.get(f"/pulls/{wrong}/").status_code == 404


def test_every_page_is_for_those_who_may_view_and_for_reading(captured, looker, client):
    addresses = [reverse(f"pulls:{name}") for name in PAGES] + [captured.get_absolute_url()]
    stranger = signed_in("stan")
    for address in addresses:
        assert looker.get(address).status_code == 200
        assert stranger.get(address).status_code == 403
        assert client.get(address).status_code == 302
        assert looker.post(address).status_code == 405


def test_empty_pages_tell_the_next_step(db):
    boss = Client()
    boss.force_login(User.objects.create_superuser("root"))
    assert "Add a repository" in boss.get(reverse("pulls:repositories")).content.decode()
    assert "after the first sync" in boss.get(reverse("pulls:list")).content.decode()
    assert "No pull request matches" in boss.get(reverse("pulls:list") + "?q=x").content.decode()
    assert boss.get(reverse("pulls:people")).status_code == boss.get(reverse("pulls:weeks")).status_code == 200
    assert boss.get(reverse("admin:pulls_console") + "?gaps=1").status_code == 200
