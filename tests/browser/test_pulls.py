"""The pull request pages in a real browser: from an empty site to a captured thread, by clicking."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from jobs import testing
from pulls.models import PullRequest, Repository
from tests.pulls.conftest import capture_all, github
from tests.standins import github as standin

__all__ = ["github"]
LONG = "a_directory_with_a_name_that_goes_on_and_on/" * 4


def fill(server: Any) -> None:
    """Three pull requests at GitHub, the first with all there is."""
    remote = server.add("octo/hello")
    for number in (1, 2, 3):
        remote.pulls[number] = standin.pull(number, title=f"Teach the parser trick {number}")
    pull = remote.pulls[1]
    pull.about |= {"title": "Extraordinarilylongtitlewithoutanyspaces" * 4, "body": "Why it is so.\n\n- one\n- two"}
    pull.files = [standin.file(0, filename=f"{LONG}file.py", status="renamed", previous_filename="old.py")]
    pull.reviews = [
        standin.review(1, state="CHANGES_REQUESTED", body="Not like this, please."),
        standin.review(2, state="APPROVED", user=None, body=""),
        standin.review(3, state="PENDING", submitted_at=None),
    ]
    pull.comments = [
        standin.code_comment(1, path=f"{LONG}file.py", body="Why here?", diff_hunk="@@ -1 +1 @@\n-" + "x" * 300),
        standin.code_comment(2, path=f"{LONG}file.py", in_reply_to_id=300_001, body="Because of the cache."),
        standin.code_comment(3, path="b.py", line=None),
    ]
    pull.issue_comments = [standin.comment(4, body="word " * 80 + "w" * 200)]
    remote.pulls[2].about |= {
        "state": "closed",
        "merged_at": f"{standin.day(6)}T10:00:00Z",
        "closed_at": f"{standin.day(6)}T10:00:00Z",
    }
    remote.pulls[3].about |= {"draft": True, "user": standin.user(9, login="renovate[bot]", type="Bot")}


def test_an_operator_adds_a_repository_syncs_it_and_reads_a_thread(github: Any, operator: Any) -> None:
    fill(github)
    page = operator
    page.goto("/pulls/")
    page.get_by_text("No repository yet.").wait_for()
    page.get_by_role("link", name="Add a repository").first.click()
    page.get_by_label("Owner:").fill("octo")
    page.get_by_label("Name:").fill("hello")
    page.get_by_label("Active").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/pulls/")
    page.get_by_text("Never synced").wait_for()
    page.get_by_role("link", name="Captures").click()
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Queued 1 job: sync of octo/hello.").wait_for()
    page.get_by_role("heading", name="What you queued").wait_for()
    testing.drain()
    # The page asks by itself.
    page.get_by_text("3 of 3").first.wait_for()
    page.get_by_role("link", name="See the runs").first.click()
    page.get_by_role("link", name="capture-repository-sync").first.wait_for()
    page.go_back()
    page.get_by_role("button", name="Analyze gaps").click()
    page.get_by_role("heading", name="Gaps").wait_for()
    page.get_by_role("link", name="Pull requests", exact=True).first.click()
    page.get_by_role("cell", name="Fresh").wait_for()
    page.get_by_role("link", name="octo/hello").click()
    page.get_by_label("State").select_option("open")
    page.get_by_text("1–2 of 2").wait_for()
    page.get_by_role("link", name="Extraordinarily").click()
    page.get_by_text("Because of the cache.").wait_for()
    page.get_by_text("The code it is about").first.click()
    page.get_by_text("@@ -1 +1 @@").first.wait_for()
    assert PullRequest.objects.count() == 3


def test_quick_fix_refuses_in_words_what_is_no_repository(github: Any, operator: Any) -> None:
    operator.goto("/admin/pulls/repository/console/")
    operator.get_by_label("Quick fix").fill("hello")
    operator.get_by_role("button", name="Quick fix").click()
    operator.get_by_text("“hello” is no repository; write it as owner/repo.").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(github: Any, operator: Any, scheme: str, width: int, tmp_path: Any) -> None:
    page = operator
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/pulls/", "/pulls/list/", "/pulls/people/"):
        page.goto(path)
        check(page, f"{path} while empty", tmp_path)
    fill(github)
    repository = Repository.objects.create(owner="octo", name="hello", active=True)
    Repository.objects.create(owner="an-owner-with-a-long-name", name="and-a-repository-with-a-longer-one" * 2)
    Repository.objects.create(
        owner="octo", name="failing", active=True, error="GitHub refuses /repos/octo/failing (403)."
    )
    capture_all(repository, 1)
    capture_all(repository, 2)
    capture_all(repository, 3)
    [pull] = PullRequest.objects.filter(number=1)
    lists = ("/pulls/", "/pulls/list/", "/pulls/list/?q=zzz", "/pulls/people/?bots=1", "/pulls/weeks/")
    console = "/admin/pulls/repository/console/"
    for path in (*lists, pull.get_absolute_url(), console, f"{console}?gaps=1", "/admin/pulls/repository/"):
        page.goto(path)
        check(page, path, tmp_path)


def check(page: Any, where: str, folder: Any) -> None:
    width = page.viewport_size["width"]
    page.screenshot(path=folder / f"{where.strip('/').replace('/', '-').replace('?', '-')}-{width}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
