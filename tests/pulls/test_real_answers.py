"""Recorded answers of GitHub parse with the right values. The recordings are not part of the project."""

import json

import pytest

from pulls.github import client, errors, headers, shapes
from pulls.models import Comment, Contributor, PullRequest, Repository, Review
from tests.pulls.conftest import REAL, capture_all
from tests.standins.github import Pull, Reply

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not REAL.is_dir(), reason="the recorded answers are not here"),
]


def recorded(name, path=None):
    """The responses of a recording whose path ends so."""
    found = json.loads((REAL / f"{name}.json").read_text())
    return [each["response"] for each in found if path is None or each["request"]["path"].endswith(path)]


def body(name, path=None):
    return recorded(name, path)[0]["body"]


def nocked(name):
    """A recording in the other format that there is."""
    return json.loads((REAL / f"{name}.json").read_text())[0]


def lower(response):
    return {name.lower(): str(value) for name, value in response["headers"].items()}


@pytest.fixture
def pygithub(github, db):
    """PyGithub's recorded pull request 31 behind the stand-in, with its reviews and comments."""
    remote = github.add("PyGithub/PyGithub", 3544490)
    about = body("pull_and_repo_setup", "/pulls/31")
    details = {name: about[name] for name in shapes.PullDetails.model_fields.keys() - shapes.Pull.model_fields.keys()}
    remote.pulls[31] = Pull(about, details, [], body("pull_reviews"), body("pull_review_comments"))
    remote.pulls[31].issue_comments = body("pull_issue_comments")
    return Repository.objects.create(owner="PyGithub", name="PyGithub", active=True)


def test_a_recorded_pull_request_is_stored_with_its_fields(pygithub):
    capture_all(pygithub, 31)
    pull = PullRequest.objects.get()
    assert (pull.github_id, pull.number, pull.state, pull.title) == (1436215, 31, "closed", "Title edited by PyGithub")
    assert (pull.additions, pull.deletions, pull.changed_files, pull.commits) == (511, 384, 45, 3)
    assert (pull.comment_count, pull.review_comment_count, pull.size) == (1, 2, "L")
    assert pull.created_at.isoformat() == "2012-05-27T09:25:36+00:00"
    assert pull.updated_at.isoformat() == "2018-06-25T12:54:43+00:00"
    assert pull.merged_at.isoformat() == "2012-05-27T10:29:07+00:00"
    assert pull.merge_commit_sha == "28ae6dd10ebccd5eaf8db8dacb5b699ee7f4a663"
    assert (pull.mergeable, pull.mergeable_state, pull.draft) == (False, "dirty", False)
    assert pull.author.username == "jacquev6"
    assert pull.merged_by.github_id == 327146
    assert pull.body == "Body edited by PyGithub\n"


def test_recorded_reviews_are_stored_with_their_fields(pygithub):
    capture_all(pygithub, 31)
    first = Review.objects.get(github_id=28482091)
    assert (first.state, first.author.username) == ("APPROVED", "jzelinskie")
    assert first.submitted_at.isoformat() == "2017-03-22T19:06:59+00:00"
    assert list(Review.objects.values_list("github_id", flat=True)) == [
        *(28482091, 104584375, 105360043, 105365629, 105368184)
    ]
    assert PullRequest.objects.get().review_state == "APPROVED"


def test_recorded_comments_are_stored_with_their_fields(pygithub):
    capture_all(pygithub, 31)
    new = Comment.objects.get(github_id=197784357)
    assert (new.kind, new.path, new.line, new.original_line) == ("review", "test/IssueEvent.py", 7, 7)
    assert (new.author.username, new.review_github_id, new.in_reply_to) == ("eamanu", 131593233, None)
    old = Comment.objects.get(github_id=1580134)
    assert (old.path, old.line, old.original_line) == ("codegen/templates/GithubObject.py", 73, None)
    talk = Comment.objects.get(kind="issue")
    assert (talk.github_id, talk.body, talk.line, talk.path) == (8387331, "Issue comment created by PyGithub", None, "")
    assert talk.created_at.isoformat() == "2012-09-08T12:57:51+00:00"
    # Answers of 2012 say of an account neither what kind it is nor, in some, whose avatar it has.
    assert not Contributor.objects.filter(is_bot=True).exists()


def test_a_recorded_list_of_2012_leaves_unknown_what_it_does_not_say():
    [about] = shapes.many(shapes.Pull, body("list_pulls"))
    assert (about.id, about.number, about.state) == (1436310, 32, "open")
    assert about.title == "Creation of a pull request from an issue is not covered by integration tests"
    assert about.updated_at.isoformat() == "2012-05-27T10:58:41+00:00"
    row = about.row(1, {})
    assert "additions" not in row
    assert "changed_files" not in row
    assert row["merged_at"] is None


def test_recorded_headers_tell_limit_and_unchanged_answers():
    response = recorded("rate_limit")[0]
    said = client.headers.limits(lower(response))
    assert said is None or said.ceiling == 5000
    core = response["body"]["resources"]["core"]
    assert (core["limit"], core["remaining"]) == (5000, 4988)
    assert recorded("conditional_304")[0]["status"] == 304
    assert lower(recorded("conditional_200")[0])["etag"] == '"ef281ef0e821c18f80da36902727160b"'
    # A reset in milliseconds, as one recording has it, is no time that can be used.
    octokit = nocked("octokit_errors")
    assert headers.limits({k: str(v) for k, v in octokit["headers"].items()}) is None


def test_the_recorded_403_of_a_used_up_limit_is_one_and_not_a_refusal(github, db):
    github.add("octo/hello")
    response = next(each for each in recorded("rate_limited_unauth_403") if each["status"] == 403)
    given = {name: value for name, value in lower(response).items() if name.startswith("x-ratelimit")}
    github.faults("/repos", Reply(403, response["body"], given, bare=True))
    with pytest.raises(errors.PrimaryLimit, match="Rate Limit Exceeded"):
        client.get("/repos/octo/hello")


def test_the_recorded_validation_error_is_a_refusal_in_words(github, db):
    github.add("octo/hello")
    octokit = nocked("octokit_errors")
    github.faults("/repos", Reply(octokit["status"], octokit["response"]))
    with pytest.raises(errors.GitHubRefused, match=r"\(422\): Validation Failed"):
        client.get("/repos/octo/hello")


def test_the_recorded_repository_is_looked_up(github, db):
    found = shapes.one(shapes.Repo, nocked("octokit_get_repository")["response"])
    assert (found.id, found.owner.login, found.name) == (1000, "octokit-fixture-org", "hello-world")
    closed = json.loads((REAL / "webhook_pull_request_closed.payload.json").read_text())["pull_request"]
    details = shapes.one(shapes.PullDetails, closed)
    assert (details.additions, details.deletions, details.changed_files, details.commits) == (1, 1, 1, 1)
    assert (details.labels[0].name, details.head.sha[:8], details.merged_at) == ("bug", "ec26c3e5", None)
