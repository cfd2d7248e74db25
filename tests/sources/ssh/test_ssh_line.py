"""A connection as paramiko reads it."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from danmax_sync.sources.ssh.line import BufferedLine

Pair = tuple[BufferedLine, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Give a line and its other end, over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
        far, _ = listener.accept()
        with far:
            near.settimeout(5)
            yield BufferedLine(near), far


def test_bytes_come_in_order_whatever_is_asked_for(pair: Pair) -> None:
    """Small and large pieces of more than the buffer holds."""
    line, far = pair
    content = bytes(range(256)) * 12_000
    sender = threading.Thread(target=far.sendall, args=(content,))
    sender.start()
    got, sizes = bytearray(), (16, 70_000, 16, 131_072, 1, 700_000)
    while len(got) < len(content):
        got += line.recv(min(sizes[len(got) % len(sizes)], len(content) - len(got)))
    sender.join()
    assert got == content


def test_a_small_piece_is_not_waited_for(pair: Pair) -> None:
    """The greeting of a server ends with a line, not after so many bytes."""
    line, far = pair
    far.sendall(b"SSH-2.0-server\r\n")
    assert line.recv(128) == b"SSH-2.0-server\r\n"


def test_a_large_piece_is_given_as_far_as_it_came_in_time(pair: Pair) -> None:
    """Who reads counts, and asks for the rest; with nothing there it hears that time is up."""
    line, far = pair
    line.settimeout(0.05)
    far.sendall(bytes(3000))
    assert len(line.recv(5000)) == 3000
    with pytest.raises(TimeoutError):
        line.recv(5000)


def test_the_end_is_told_after_the_last_bytes(pair: Pair) -> None:
    """Nothing that came before it is lost."""
    line, far = pair
    far.sendall(bytes(3000))
    far.close()
    assert len(line.recv(5000)) == 3000
    assert line.recv(5000) == b""


def test_closing_wakes_who_waits(pair: Pair) -> None:
    """At once: a command should not wait for its connection's last tenth of a second."""
    line, _ = pair
    heard: list[float] = []

    def wait() -> None:
        line.recv(16)
        heard.append(time.monotonic())

    reader = threading.Thread(target=wait)
    reader.start()
    time.sleep(0.05)
    began = time.monotonic()
    line.close()
    reader.join(5)
    assert heard
    assert heard[0] - began < 1
    assert line.fileno() == -1
    assert line._closed
