"""The network of a campaign: what each of its faults does to a connection that is open."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.campaign.link import Link


def _echo(connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        while data := connection.recv(1024):
            connection.sendall(data)


@pytest.fixture
def link(short_folder: Path) -> Iterator[Link]:
    """A link to something that answers with what it was asked."""
    path = short_folder / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=_echo, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        with contextlib.closing(Link(path)) as made:
            yield made
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def client(link: Link) -> Iterator[socket.socket]:
    """A connection over the link that has been answered once."""
    with socket.create_connection(("127.0.0.1", link.port), timeout=2) as connection:
        assert asked(connection) == b"hello"
        yield connection


def asked(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(1024)


def test_a_cut_link_drops_what_is_open_and_refuses_what_is_new(link: Link, client: socket.socket) -> None:
    link.set("cut")
    with pytest.raises(ConnectionResetError):
        client.recv(1024)
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", link.port), timeout=2) as refused:
        refused.recv(1024)
    link.heal()
    with socket.create_connection(("127.0.0.1", link.port), timeout=2) as fresh:
        assert asked(fresh) == b"hello"


def test_a_slow_link_answers_later(link: Link, client: socket.socket) -> None:
    link.set("slow")
    begun = time.monotonic()
    assert asked(client) == b"hello"
    assert time.monotonic() - begun > 0.25


def test_a_silent_link_answers_nothing_and_stays_open(link: Link, client: socket.socket) -> None:
    link.set("silent")
    client.settimeout(0.4)
    with pytest.raises(TimeoutError):
        asked(client)
    assert link.counts["held"] > 0


def test_a_half_closed_link_ends_the_answers_and_takes_questions(link: Link, client: socket.socket) -> None:
    link.set("half")
    assert client.recv(1024) == b""
    client.sendall(b"still there")
    assert link.counts["half"] == 1


def test_a_link_that_swallows_lets_the_question_through_and_no_answer(link: Link, client: socket.socket) -> None:
    link.set("swallow")
    client.settimeout(0.4)
    with pytest.raises(TimeoutError):
        asked(client)
    assert link.counts["swallowed"] == 1
    link.heal()
    with pytest.raises(ConnectionResetError):
        client.recv(1024)
