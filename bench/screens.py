"""Takes the pictures of docs/screenshots: `python -m bench.screens [NAME]`; a day of work is made up for them."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.place import ROOT, database

FOLDER = ROOT / "docs" / "screenshots"
TALLEST = 1280
ON_PHONES = ("overview", "runs", "run-failed", "functions")
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def screens(made: dict[str, str]) -> dict[str, str]:
    """Return the address of each picture, by its name."""
    jobs = "/admin/jobs"
    return {
        "overview": "/admin/",
        "runs": f"{jobs}/run/",
        "runs-failed": f"{jobs}/run/?status=failed&time=24h",
        "run-failed": f"{jobs}/run/{made['failed']}/",
        "run-running": f"{jobs}/run/{made['running']}/",
        "run-waiting": f"{jobs}/run/{made['waiting']}/",
        "run-from": f"{jobs}/run/{made['failed']}/from/?step=parse-transcript",
        "events": f"{jobs}/event/",
        "event": f"{jobs}/event/{made['event']}/",
        "event-send": f"{jobs}/event/send/?name=transcript/uploaded",
        "functions": f"{jobs}/function/",
        "function": f"{jobs}/function/stepwell-parse-transcript/",
        "function-paused": f"{jobs}/function/stepwell-hello-world/",
        "schedules": f"{jobs}/schedule/",
        "workers": f"{jobs}/worker/",
        "keys": f"{jobs}/eventkey/",
        "clients": "/clients/?sort=enhanced",
        "client": f"/clients/{made['client']}/",
        "imports": "/imports/",
        "import": f"/imports/{made['import']}/",
        "pulls": "/pulls/list/",
        "pull": f"/pulls/{made['pull']}/",
        "pull-weeks": "/pulls/weeks/",
    }


@contextmanager
def served() -> Iterator[str]:
    """Serve the site on a free port."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


def shoot(base: str, made: dict[str, str], only: str) -> None:
    """Take every picture in both themes, and some on a phone."""
    from playwright.sync_api import sync_playwright

    from tests.conftest import CHROMIUM_ARGUMENTS, chromium_path

    arguments = [*CHROMIUM_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        for scheme, size, suffix in (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("light", PHONE, "phone")):
            context: Any = browser.new_context(
                viewport=size, color_scheme=scheme, reduced_motion="reduce", base_url=base
            )
            context.add_cookies([_cookie(base)])
            page = context.new_page()
            for name, address in screens(made).items():
                if only in name and (suffix != "phone" or name in ON_PHONES):
                    page.goto(address)
                    _shoot(page, name, suffix)
            if suffix != "phone":
                _extras(page, made, only, suffix)
        browser.close()


def _cookie(base: str) -> Any:
    """Return the cookie of somebody who may see everything."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="olga"))
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}


def _extras(page: Any, made: dict[str, str], only: str, suffix: str) -> None:
    if only in "bulk-confirm":
        page.goto("/admin/jobs/run/?status=failed&time=24h")
        page.select_option("#bulk-scope", "all")
        page.click("#bulk-replay")
        page.wait_for_selector("h1")
        _shoot(page, "bulk-confirm", suffix)
    if only in "run-again":
        page.goto(screens(made)["run-failed"])
        page.click("#again-open")
        page.screenshot(path=str(_path("run-again", suffix)))


def _shoot(page: Any, name: str, suffix: str) -> None:
    # A long list says no more further down.
    height = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": min(height, TALLEST)}
    page.screenshot(path=str(_path(name, suffix)), full_page=True, clip=clip)


def _path(name: str, suffix: str) -> Path:
    return FOLDER / f"{name}-{suffix}.png"


def main() -> None:
    """Make a database, fill it, take the pictures and drop it."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "STATIC_FROM_SOURCE": "1", "LOG_LEVEL": "WARNING"}
    os.environ |= {"DJANGO_ALLOW_ASYNC_UNSAFE": "1", "OPENAI_API_KEY": "for pictures"}
    with database():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from django.conf import settings

        from bench import products  # their models need Django set up
        from bench.day import fill

        with tempfile.TemporaryDirectory() as media:
            settings.MEDIA_ROOT = media
            made = products.fill() | fill()
        with served() as base:
            shoot(base, made, sys.argv[1] if len(sys.argv) > 1 else "")
        from django.db import connection

        connection.close()
        connection.close_pool()


if __name__ == "__main__":
    main()
