"""Clients that send half a request, and crowds that guess passwords: the site goes on answering the others."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config import server, signing_in

ROOT = Path(__file__).resolve().parents[2]
HALF_HEAD = b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nX-Half: "
HALF_BODY = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nusername="


@pytest.fixture
def site(process_environment: dict[str, str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn_conf.py", "config.wsgi:application"]
    small = {"PORT": str(port), "WEB_WORKERS": "1", "WEB_THREADS": "4", "STATIC_FROM_SOURCE": "1", "ACCESS_LOG": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=process_environment | small, start_new_session=True)
    try:
        wait_for(port)
        yield port
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            return seconds_to_answer(port) and None
        except OSError:
            time.sleep(0.2)
    pytest.fail("the site does not answer")


def seconds_to_answer(port: int, path: str = "/login/") -> float:
    begun = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        assert answer.status == 200
        answer.read()
    return time.monotonic() - begun


def health(port: int) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


@pytest.mark.parametrize("half", [HALF_HEAD, HALF_BODY])
def test_two_hundred_half_sent_requests_hold_nobody_up(site: int, half: bytes) -> None:
    held = [socket.create_connection(("127.0.0.1", site)) for _ in range(200)]
    try:
        for one in held:
            one.sendall(half)
        time.sleep(0.5)
        assert seconds_to_answer(site) < 3
    finally:
        for one in held:
            one.close()


def test_a_head_that_trickles_in_is_cut_off(site: int) -> None:
    with socket.create_connection(("127.0.0.1", site)) as one:
        one.sendall(HALF_HEAD)
        one.settimeout(1)
        begun = time.monotonic()
        closed = False
        while not closed and time.monotonic() - begun < server.HEAD_SECONDS + 8:
            try:
                one.sendall(b"x")
                closed = one.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed


def test_forty_wrong_sign_ins_at_once_leave_room_for_health(site: int) -> None:
    def guess(number: int) -> int:
        browser = [f"username=u{number}", "password=wrong"]
        request = urllib.request.Request(f"http://127.0.0.1:{site}/login/", "&".join(browser).encode())
        try:
            return int(urllib.request.urlopen(request, timeout=20).status)
        except urllib.error.HTTPError as refused:
            return refused.code

    before = health(site)
    with ThreadPoolExecutor(40) as crowd:
        answers = [crowd.submit(guess, number) for number in range(40)]
        assert health(site) == before
        assert seconds_to_answer(site) < 5
        assert all(answer.result() < 500 for answer in answers)


@pytest.mark.django_db
def test_a_name_and_an_address_wait_after_ten_wrong_sign_ins(settings: Any) -> None:
    settings.AXES_ENABLED = True
    User.objects.create_user("ada", password="right-one")
    wrong = {"username": "ada", "password": "wrong"}
    codes = [Client(REMOTE_ADDR=f"10.0.0.{n}").post("/login/", wrong).status_code for n in range(11)]
    assert codes == [200] * 9 + [429] * 2
    right = {"username": "ada", "password": "right-one"}
    refused = Client(REMOTE_ADDR="10.9.9.9").post("/login/", right)
    assert refused.status_code == 429
    assert "too many wrong attempts" in refused.content.decode()
    for number in range(10):
        Client(REMOTE_ADDR="10.1.1.1").post("/login/", {"username": f"u{number}", "password": "wrong"})
    assert Client(REMOTE_ADDR="10.1.1.1").post("/login/", {"username": "x", "password": "y"}).status_code == 429


@pytest.mark.django_db
def test_a_third_password_at_the_same_time_is_refused_in_words() -> None:
    for _ in range(signing_in.AT_ONCE):
        signing_in._turns.acquire()
    try:
        answer = Client().post("/login/", {"username": "ada", "password": "x"})
    finally:
        for _ in range(signing_in.AT_ONCE):
            signing_in._turns.release()
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert "Many people are signing in" in answer.content.decode()
