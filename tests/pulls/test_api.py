"""The JSON API: lists with filters and pages, one pull request, and who is let in."""

import pytest

from jobs.models import EventKey
from pulls.models import PullRequest
from tests.pulls.conftest import capture_all
from tests.standins import github as standin

pytestmark = pytest.mark.django_db


@pytest.fixture
def get(client):
    """Ask with a key."""
    _, secret = EventKey.make("api", ["pulls"])
    return lambda path: client.get(path, headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def captured(github, repository):
    pull = github.add("octo/hello").pulls[1] = standin.pull(1)
    pull.reviews = [standin.review(2, state="APPROVED")]
    pull.comments = [standin.code_comment(1), standin.code_comment(2, in_reply_to_id=300_001, user=None)]
    capture_all(repository, 1)
    return PullRequest.objects.get()


def test_a_pull_request_is_given_with_all_that_belongs_to_it(captured, get):
    about = get(f"/api/pulls/{captured.repository_id}/1/").json()
    assert (about["repository"], about["number"], about["additions"]) == ("octo/hello", 1, 11)
    assert (about["author"], about["merged_by"], about["review_state"]) == ("dev-1", None, "APPROVED")
    assert about["updated_at"].startswith(f"{standin.day(5)}T10:00:00")
    assert [each["filename"] for each in about["files"]] == ["src/part_0000.py"]
    assert [(each["id"], each["state"]) for each in about["reviews"]] == [(200_002, "APPROVED")]
    assert [(each["in_reply_to"], each["author"]) for each in about["comments"]] == [(None, "dev-1"), (300_001, None)]


def test_what_is_not_captured_is_null(repository, get):
    at = f"{standin.day(24)}T00:00Z"
    values = {"github_id": 1, "number": 1, "title": "x", "state": "open", "created_at": at, "updated_at": at}
    PullRequest.objects.create(repository=repository, **values)
    [about] = get("/api/pulls/").json()["pulls"]
    assert (about["additions"], about["changed_files"], about["review_state"]) == (None, None, None)


def test_a_list_has_filters_and_leads_to_its_next_page(repository, get):
    at = f"{standin.day(24)}T00:00Z"
    PullRequest.objects.bulk_create(
        PullRequest(
            **{"repository": repository, "github_id": n, "number": n, "title": "x", "created_at": at},
            **{"updated_at": at, "state": "open" if n % 2 else "closed"},
        )
        for n in range(1, 251)
    )
    first = get("/api/pulls/?state=open").json()
    assert len(first["pulls"]) == 100
    second = get(first["next"]).json()
    assert (len(second["pulls"]), second["next"]) == (25, None)
    numbers = [pull["number"] for pull in first["pulls"] + second["pulls"]]
    assert sorted(numbers) == list(range(1, 250, 2))


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/pulls/?state=ripe", 400, "state: Select a valid choice"),
        ("/api/pulls/?page=0", 400, "page: a number from 1 to 10"),
        ("/api/pulls/?page=x", 400, "page: a number"),
        ("/api/pulls/1/999/", 404, "There is no pull request 999"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(db, get, path, status, words):
    answer = get(path)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_without_a_key_nothing_is_told(db, client, get):
    for path in ("/api/pulls/", "/api/pulls/1/1/"):
        assert client.get(path).status_code == 401
    assert client.post("/api/pulls/").status_code == 405
