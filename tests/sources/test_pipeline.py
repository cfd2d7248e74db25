"""Many reads under way, answered in any order and length."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paramiko import Message
from paramiko.sftp import CMD_DATA, CMD_STATUS

from danmax_sync.sources.pipeline import READ_BYTES, REQUESTS_IN_FLIGHT, PipelinedReader


class Handle:
    """An open file."""

    handle = b"h"


class Server:
    """Answers reads of one file in random order, some of them short."""

    def __init__(self, content: bytes, seed: int = 0, *, shortest: float = 1.0, lies: bytes | None = None) -> None:
        self.content, self.lies, self.shortest = content, lies, shortest
        self.random = random.Random(seed)
        self.waiting: list[tuple[int, Any, int, int]] = []
        self.asked = self.most_waiting = 0

    def _async_request(self, reader: Any, command: int, handle: bytes, offset: int, length: int) -> int:
        self.asked += 1
        self.waiting.append((self.asked, reader, int(offset), length))
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        return self.asked

    def _read_response(self) -> None:
        number, reader, offset, length = self.waiting.pop(self.random.randrange(len(self.waiting)))
        message = Message()
        data = self.content[offset : offset + length]
        if not data:
            reader._async_response(CMD_STATUS, message, number)
            return
        data = data[: max(1, int(len(data) * self.random.uniform(self.shortest, 1.0)))]
        message.add_string(data if self.lies is None else self.lies)
        reader._async_response(CMD_DATA, Message(message.asbytes()), number)

    def _convert_status(self, message: Message) -> None:
        raise EOFError


def read(server: Server, size: int) -> bytes:
    """Read everything."""
    return b"".join(PipelinedReader(server, Handle(), size).blocks())


@given(length=st.integers(0, 6 * READ_BYTES), seed=st.integers(0, 1000), shortest=st.floats(0.05, 1.0))
@settings(deadline=None, max_examples=40)
def test_every_byte_arrives_in_order(length: int, seed: int, shortest: float) -> None:
    """Whatever the order of the answers and however short some are, the content comes out whole."""
    content = random.Random(seed).randbytes(length)
    assert read(Server(content, seed, shortest=shortest), length) == content


def test_a_file_that_ended_early_gives_what_there_is() -> None:
    """A size that was promised and is not there ends the reading; the caller compares."""
    content = bytes(3 * READ_BYTES + 7)
    assert read(Server(content), 10 * READ_BYTES) == content


def test_no_more_is_read_than_was_announced() -> None:
    """A file that has grown since is read to the size it had."""
    assert read(Server(bytes(1000)), 600) == bytes(600)


def test_requests_under_way_are_bounded() -> None:
    """A large file does not send all its requests at once."""
    server = Server(bytes(400 * READ_BYTES))
    read(server, 400 * READ_BYTES)
    assert server.most_waiting <= REQUESTS_IN_FLIGHT


@pytest.mark.parametrize("lies", [b"", bytes(READ_BYTES + 1)])
def test_an_answer_of_impossible_length_is_an_error(lies: bytes) -> None:
    """No data, or more than was asked for, is not taken for content."""
    with pytest.raises(OSError, match="answered"):
        read(Server(bytes(READ_BYTES), lies=lies), READ_BYTES)
