"""The pages: what they show of a pull request, how they are narrowed down, and who may see them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from pulls import charts, threads
from pulls.models import Comment, Contributor, PullRequest, PullRequestFile, Review
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


def test_pages_take_a_bounded_number_of_queries_however_much_there_is(captured, looker):
    addresses = {
        reverse("pulls:repositories"): 9,
        reverse("pulls:list"): 7,
        reverse("pulls:people"): 8,
        reverse("pulls:weeks"): 8,
        captured.get_absolute_url(): 11,
    }
    counts = {address: _queries(looker, address) for address in addresses}
    for number in range(30):
        made = make(captured, 100 + number)
        Review.objects.create(pull_request=captured, github_id=900 + number, state="COMMENTED", author=made.author)
        PullRequestFile.objects.create(
            pull_request=captured, position=10 + number, filename="f", status="added", additions=1, deletions=0
        )
        Comment.objects.create(
            **{"pull_request": captured, "github_id": 900 + number, "kind": "issue", "author": made.author},
            **{"created_at": made.created_at, "updated_at": made.created_at},
        )
    assert {address: _queries(looker, address) for address in addresses} == counts
    for address, most in addresses.items():
        assert counts[address] <= most, address


def _queries(client, address):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address).status_code == 200
    return len(caught)


def make(like, number, **more):
    """A stored pull request beside another one."""
    values = {
        "title": f"Change {number}",
        "state": "open",
        "updated_at": like.updated_at,
        "created_at": like.created_at,
    }
    author, _ = Contributor.objects.get_or_create(github_id=number, username=f"dev-{number}")
    values |= {"repository": like.repository, "github_id": number, "number": number, "author": author}
    return PullRequest.objects.create(**values | more)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("q=spelling", {10}),
        ("q=%2311", {11}),
        ("state=merged", {11}),
        ("state=closed", {12}),
        ("state=draft", {10}),
        ("review=APPROVED", {11}),
        ("size=XL", {12}),
        ("author=dev-11", {11}),
        ("quiet=90", {12}),
        ("state=nonsense", {5, 10, 11, 12}),
        ("repository=999999", {5, 10, 11, 12}),
        ("sort=largest&page=99", {5, 10, 11, 12}),
    ],
)
def test_the_list_is_narrowed_down(captured, looker, query, numbers):
    now = timezone.now()
    PullRequest.objects.update(updated_at=now)
    make(captured, 10, title="Mend the spelling", draft=True, updated_at=now)
    merged = {"state": "closed", "merged_at": now, "closed_at": now, "updated_at": now}
    make(captured, 11, review_state="APPROVED", additions=3, deletions=1, **merged)
    old = {"state": "closed", "updated_at": now - timedelta(days=100)}
    make(captured, 12, additions=900, deletions=100, **old)
    page = looker.get(f"{reverse('pulls:list')}?{query}").content.decode()
    assert {int(n) for n in re.findall(rf'href="/pulls/{captured.repository_id}-(\d+)/"', page)} == numbers


def test_sizes_that_nobody_told_are_unknown_and_not_zero(captured, looker):
    make(captured, 10)
    page = looker.get(f"{reverse('pulls:list')}?q=%2310").content.decode()
    assert "Unknown" in page
    assert "XS" not in page.rpartition("</form>")[2]


def test_answers_stand_in_the_thread_they_belong_to(captured):
    comments = [
        Comment(github_id=1, kind="review", path="b.py"),
        Comment(github_id=2, kind="review", path="a.py"),
        Comment(github_id=3, kind="review", path="b.py", in_reply_to=1),
        Comment(github_id=4, kind="review", path="b.py", in_reply_to=3),
        Comment(github_id=5, kind="review", path="b.py", in_reply_to=77),
        Comment(github_id=6, kind="issue"),
    ]
    found = threads.discussion(comments)
    shape = {
        path: [(t.first.github_id, [r.github_id for r in t.replies]) for t in ts] for path, ts in found.files.items()
    }
    assert shape == {"a.py": [(2, [])], "b.py": [(1, [3, 4]), (5, [])]}
    assert [comment.github_id for comment in found.conversation] == [6]


def test_weeks_count_what_was_opened_and_merged_in_each(captured, looker):
    now = timezone.now()
    PullRequest.objects.update(created_at=now - timedelta(weeks=60))
    make(captured, 20, created_at=now - timedelta(weeks=2))
    make(captured, 21, created_at=now, merged_at=now)
    make(captured, 22, created_at=now)
    bars, most = charts.weeks()
    assert (len(bars), most) == (26, 2)
    assert [(bar.opened, bar.merged) for bar in bars[-3:]] == [(1, 0), (0, 0), (2, 1)]
    assert (bars[-1].opened_height, bars[-1].merged_height, bars[-1].opened_y) == ("100.00%", "50.00%", "0.00%")
    page = looker.get(f"{reverse('pulls:weeks')}?repository={captured.repository_id}").content.decode()
    assert "octo/hello" in page
    assert page.count("<tr><th") == 27
    assert "style=" not in page


def test_the_leaders_are_people_and_bots_only_if_wanted(captured, looker):
    now = timezone.now()
    bot = Contributor.objects.create(github_id=1, username="renovate[bot]", is_bot=True)
    make(captured, 30, created_at=now, merged_at=now)
    PullRequest.objects.filter(number=30).update(author=bot)
    make(captured, 31, created_at=now, merged_at=now)
    assert [(one.person.username, one.merged) for one in charts.leaders(30) if one.merged] == [("dev-31", 1)]
    assert [one.person.username for one in charts.leaders(30, bots=True) if one.merged] == ["dev-31", "renovate[bot]"]
    assert "renovate" not in looker.get(reverse("pulls:people")).content.decode()
    assert "renovate" in looker.get(f"{reverse('pulls:people')}?bots=1&days=x").content.decode()


def test_files_are_shown_by_the_hundred(captured, looker):
    for n in range(150):
        PullRequestFile.objects.create(
            pull_request=captured, position=10 + n, filename=f"f{n:03}", status="added", additions=1, deletions=0
        )
    address = captured.get_absolute_url()
    assert "1–100 of 151" in looker.get(address).content.decode()
    assert "101–151 of 151" in looker.get(f"{address}?files=2").content.decode()
