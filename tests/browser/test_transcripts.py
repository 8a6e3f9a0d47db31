"""The transcripts pages in a real browser: real files with real workers, and what the upload form does on bad days."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import TimeoutError

from jobs import testing
from tests.transcripts.conftest import CALL
from transcripts.models import Status, Transcript

PASSWORD = "a long secret"
ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "transcripts"
TOO_SHORT = "too short to analyze"
REFUSED = {
    "gong_recorded_404_no_calls.json": "No calls found",
    "gong_v2_calls_extensive_dev.json": "not its words",
    "srt_ascii.srt": TOO_SHORT,
    "webvtt-py_captions_with_bom.vtt": TOO_SHORT,
    "webvtt-py_cue_tags.vtt": TOO_SHORT,
    "webvtt-py_empty.vtt": "is empty",
    "webvtt-py_metadata_headers.vtt": TOO_SHORT,
    "webvtt-py_missing_caption_text.srt": TOO_SHORT,
    "webvtt-py_sample.srt": TOO_SHORT,
    "webvtt-py_youtube_dl.vtt": TOO_SHORT,
}


@pytest.fixture(autouse=True)
def hashes(settings: Any) -> None:
    """Hash passwords as a site in a process of its own does; it does not know the tests' fast hash."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def complaints(page: Any) -> list[str]:
    """What the browser had to complain about: violations of the policy and errors of scripts."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if "Content Security Policy" in said.text else None)
    return found


def sign_in(page: Any, address: str) -> None:
    User.objects.create_superuser("opal", password=PASSWORD)
    page.goto(f"{address}/login/?next=/transcripts/upload/")
    page.fill("[name=username]", "opal")
    page.fill("[name=password]", PASSWORD)
    page.locator("form").get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Upload calls").wait_for()


@pytest.fixture
def site(process_environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The site as people run it: a web server and workers in processes of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = process_environment | {"VAR_DIR": str(tmp_path / "var")}
    commands = [["runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"], ["qcluster"]]
    log = (tmp_path / "site.log").open("w")
    started = [
        subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, stdout=log, stderr=log)
        for words in commands
    ]
    try:
        wait_for_site(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(30)
        log.close()


def wait_for_site(address: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urlopen(f"{address}/login/", timeout=5).close()
            return
        except URLError:
            assert time.monotonic() < deadline, "the site did not start"
            time.sleep(0.1)


def row(page: Any, name: str) -> Any:
    return page.locator("#uploads li", has=page.get_by_text(name, exact=True))


def wait_for_rows(page: Any, words: str, *, seconds: float = 30) -> None:
    try:
        page.wait_for_function(
            "words => document.getElementById('sums').textContent === words", arg=words, timeout=seconds * 1000
        )
    except TimeoutError:
        raise AssertionError(f"waited for {words!r}, there is:\n{page.inner_text('#progress')}") from None


def choose(page: Any, *names: str, content: str = CALL) -> None:
    files = [
        {"name": name, "mimeType": "text/plain", "buffer": (content + f"Anna: {name}.").encode()} for name in names
    ]
    page.set_input_files("input[type=file]", files)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no folder {REAL.relative_to(ROOT.parent)} beside the project")
def test_every_real_file_ends_completed_or_refused_in_words(site, page, complaints):
    sign_in(page, site)
    names = sorted(path.name for path in REAL.iterdir())
    page.set_input_files("input[type=file]", [str(REAL / name) for name in names])
    done = len(names) - len(REFUSED)
    page.wait_for_function(
        "() => !/waiting|uploading|parsing/.test(document.getElementById('sums').textContent)", timeout=60_000
    )
    assert sorted(page.inner_text("#sums").split(", ")) == ["1 refused", f"{done} done", "9 failed"]
    for name in names:
        shown = row(page, name).inner_text()
        assert REFUSED.get(name, "Completed") in shown, shown
    calls = {call.filename: call for call in Transcript.objects.all()}
    assert {call.status for call in calls.values()} == {Status.COMPLETED, Status.FAILED}
    for name, call in calls.items():
        assert call.status == (Status.FAILED if name in REFUSED else Status.COMPLETED), (name, call.error)
        assert bool(call.insights) == (name not in REFUSED)
    row(page, "sales_call_demo.txt").get_by_role("link").click()
    page.get_by_role("heading", name="Sales call demo").wait_for()
    assert "parsed locally" in page.inner_text("main")
    assert complaints == []


def test_the_form_works_without_scripts(browser, live_server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server.url)
    choose(page, "first.txt", "second.txt")
    page.get_by_role("button", name="Upload", exact=True).click()
    assert "2 calls were uploaded" in page.inner_text("main")
    page.goto(f"{live_server.url}/transcripts/upload/")
    choose(page, "first.txt")
    page.get_by_role("button", name="Upload", exact=True).click()
    assert "Already uploaded on" in page.inner_text("#uploads")
    context.close()
    assert Transcript.objects.count() == 2


def test_at_most_three_files_travel_at_once_and_any_can_be_cancelled(page, live_server, complaints):
    sign_in(page, live_server.url)
    held: list[Any] = []
    page.route("**/transcripts/upload/", lambda route: held.append(route))
    choose(page, *(f"{number}.txt" for number in range(5)))
    wait_for_rows(page, "3 uploading, 2 waiting")
    row(page, "0.txt").get_by_role("button", name="Cancel").click()
    row(page, "4.txt").get_by_role("button", name="Cancel").click()
    wait_for_rows(page, "2 cancelled, 3 uploading")
    assert len(held) == 4
    for route in held[1:]:
        route.continue_()
    wait_for_rows(page, "2 cancelled, 3 parsing")
    row(page, "4.txt").get_by_role("button", name="Upload after all").click()
    wait_for_rows(page, "1 cancelled, 3 parsing, 1 uploading")
    held[-1].continue_()
    wait_for_rows(page, "1 cancelled, 4 parsing")
    assert Transcript.objects.count() == 4
    assert complaints == []


def test_an_upload_without_a_connection_is_tried_again_by_itself(page, live_server):
    sign_in(page, live_server.url)
    page.context.set_offline(True)
    choose(page, "call.txt")
    wait_for_rows(page, "1 offline")
    assert "No connection. Next try in" in row(page, "call.txt").inner_text()
    assert row(page, "call.txt").get_by_role("button", name="Try again").is_visible()
    page.context.set_offline(False)
    wait_for_rows(page, "1 parsing")
    assert Transcript.objects.get().filename == "call.txt"


def test_files_chosen_before_the_script_has_come_are_uploaded_too(page, live_server):
    late = []
    page.route("**/upload.js", lambda route: late.append(route))
    sign_in(page, live_server.url)
    choose(page, "early.txt")
    late[0].continue_()
    wait_for_rows(page, "1 parsing")


def test_a_row_becomes_its_run_and_can_be_tried_again(page, live_server, complaints):
    sign_in(page, live_server.url)
    page.set_input_files(
        "input[type=file]",
        [
            {"name": "short.txt", "mimeType": "text/plain", "buffer": b"Anna: Hi."},
            {"name": "holiday.txt", "mimeType": "text/plain", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(99)},
            {"name": "good.txt", "mimeType": "text/plain", "buffer": CALL.encode()},
        ],
    )
    wait_for_rows(page, "2 parsing, 1 refused")
    # Only now: of two equal files that travel at once, either may come first.
    again = {"name": "again.txt", "mimeType": "text/plain", "buffer": CALL.encode()}
    page.set_input_files("input[type=file]", [again])
    wait_for_rows(page, "2 parsing, 1 refused, 1 uploaded before")
    testing.drain()
    wait_for_rows(page, "1 failed, 1 refused, 1 done, 1 uploaded before")
    assert row(page, "again.txt").get_by_role("link", name="Open").is_visible()
    assert TOO_SHORT in row(page, "short.txt").inner_text()
    with page.expect_response("**/retry/"):
        row(page, "short.txt").get_by_role("button", name="Try again").click()
    wait_for_rows(page, "1 parsing, 1 refused, 1 done, 1 uploaded before")
    testing.drain()
    wait_for_rows(page, "1 failed, 1 refused, 1 done, 1 uploaded before")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(browser, live_server, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    sign_in(page, live_server.url)
    choose(page, "good.txt")
    choose(page, "bad.txt", content="")
    wait_for_rows(page, "2 parsing")
    testing.drain()
    wait_for_rows(page, "1 done, 1 failed")
    good, bad = (Transcript.objects.get(filename=name) for name in ("good.txt", "bad.txt"))
    check(page, "upload")
    admin = "/admin/transcripts/transcript/"
    paths = ("/transcripts/", "/transcripts/?q=x", good.get_absolute_url(), bad.get_absolute_url(), admin)
    for path in (*paths, f"{admin}{good.pk}/change/"):
        page.goto(f"{live_server.url}{path}")
        check(page, path)
    context.close()


def check(page: Any, where: str) -> None:
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, where
