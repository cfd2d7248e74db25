"""SFTP packets: cut anywhere, lied about, or not coming at all."""

import socket
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.sources import wire
from danmax_sync.sources.wire import PLAIN_READ, Limits, Wire, WireError, ask_limits, word
from tests.sources.scripted import ScriptedServer, attributes, packet, status, string


class Saying:
    """A channel that says some bytes, in chunks, then hangs up or falls silent."""

    def __init__(self, said: bytes, chunk: int = 1 << 20, *, then: BaseException | None = None) -> None:
        self.said, self.chunk, self.then = said, chunk, then
        self.heard = bytearray()

    def send(self, data: bytes) -> int:
        """Take half of it, as a full buffer does."""
        some = max(1, len(data) // 2)
        self.heard += data[:some]
        return some

    def recv(self, size: int) -> bytes:
        """Say the next chunk."""
        block, self.said = self.said[: min(size, self.chunk)], self.said[min(size, self.chunk) :]
        if not block and self.then is not None:
            raise self.then
        return block


class SayingInto(Saying):
    """The same, for clients that bring their own buffer."""

    def recv_into(self, room: memoryview) -> int:
        """Say the next chunk."""
        block = self.recv(len(room))
        room[: len(block)] = block
        return len(block)


@given(
    bodies=st.lists(st.binary(max_size=5000), min_size=1, max_size=12),
    large=st.lists(st.integers(0, 1 << 20), max_size=3),
    chunk=st.integers(1, 300_000),
    into=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_packets_are_whole_wherever_the_line_cuts_them(
    bodies: list[bytes], *, large: list[int], chunk: int, into: bool
) -> None:
    """Each answer comes out as it went in, in order, however small or large."""
    if chunk < 1000:
        large = []
    bodies += [b"L" * size for size in large]
    said = b"".join(packet(wire.DATA, number, body) for number, body in enumerate(bodies))
    one = Wire((SayingInto if into else Saying)(said, chunk))
    for number, body in enumerate(bodies):
        kind, answered, got = one.receive()
        assert (kind, answered, bytes(got)) == (wire.DATA, number, body)
    with pytest.raises(WireError, match="hung up"):
        one.receive()


@pytest.mark.parametrize("length", [0, 4, (1 << 20) + 4097, 0xFFFFFFFF])
def test_a_packet_of_impossible_length_is_refused_at_once(length: int) -> None:
    """Before anything is made room for, or waited for."""
    with pytest.raises(WireError, match=f"a packet of {length} bytes"):
        Wire(Saying(struct.pack(">I", length) + b"x" * 100)).receive()


@pytest.mark.parametrize("cut", [0, 3, 4, 8, 9, 20])
def test_a_line_that_ends_in_the_middle_of_a_packet_has_hung_up(cut: int) -> None:
    """Never half a packet."""
    with pytest.raises(WireError, match="hung up"):
        Wire(Saying(packet(wire.DATA, 1, string(b"x" * 100))[:cut])).receive()


@pytest.mark.parametrize("into", [True, False])
def test_silence_and_trouble_have_words(into: bool) -> None:
    """A server that says nothing, a line that breaks."""
    kind = SayingInto if into else Saying
    with pytest.raises(WireError, match="fallen silent"):
        Wire(kind(b"", then=TimeoutError())).receive()
    with pytest.raises(WireError, match="reset"):
        Wire(kind(b"", then=ConnectionResetError("reset by peer"))).receive()


@pytest.mark.parametrize(
    ("problem", "words"),
    [(TimeoutError(), "fallen silent"), (BrokenPipeError(), "the line is closed"), (None, "the line is closed")],
)
def test_a_request_that_cannot_be_sent_has_words(problem: BaseException | None, words: str) -> None:
    """The other side takes nothing, or has gone."""

    class Deaf(Saying):
        def send(self, data: bytes) -> int:
            if problem is not None:
                raise problem
            return 0

    one = Wire(Deaf(b""))
    one.ask(wire.READ, b"h", 7, word(1))
    with pytest.raises(WireError, match=words):
        one.flush()


def test_requests_are_spelled_as_the_protocol_has_them() -> None:
    """Length, kind, number, then strings with their length, 64 and 32 bits; sent whole, whatever the line takes."""
    channel = Saying(b"")
    one = Wire(channel)
    number = one.ask(wire.READ, b"handle", 1 << 33, word(261_120))
    one.flush()
    expected = packet(wire.READ, number, string(b"handle") + struct.pack(">QI", 1 << 33, 261_120))
    assert bytes(channel.heard) == expected
    assert one.ask(wire.CLOSE, b"handle") == number + 1


def cut_short(body: bytes) -> Any:
    """Return a body as the wire hands it out."""
    return memoryview(bytearray(body))


@given(body=st.binary(max_size=60))
@settings(max_examples=200)
def test_answers_of_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever a server sends, nothing else than a WireError comes of it, and nothing is read beyond the answer."""
    for read in (wire.text, wire.payload, wire.status, wire.attributes):
        try:
            got = read(cut_short(body))
        except WireError:
            continue
        if read is wire.payload:
            assert isinstance(got, memoryview)
            assert len(got) <= len(body) - 4


def test_attributes_say_what_they_hold() -> None:
    """Size, kind, time; None where the server does not tell."""
    assert wire.attributes(cut_short(attributes(2**64 - 1, mode=0o040755))) == (2**64 - 1, 0o040755, 1_700_000_000)
    assert wire.attributes(cut_short(struct.pack(">I", 0))) == (None, None, None)
    owned = struct.pack(">IQIIIII", 1 | 2 | 4 | 8, 5, 1000, 1000, 0o100644, 7, 8)
    assert wire.attributes(cut_short(owned)) == (5, 0o100644, 8)


def test_what_a_server_says_cannot_repaint_the_terminal() -> None:
    """Control characters go; the sentence stays."""
    body = status(1, wire.FAILURE, "no \x1b[2Jway\r")[9:]
    assert wire.status(cut_short(body)) == (wire.FAILURE, "no [2Jway")
    assert wire.status(cut_short(struct.pack(">I", 4))) == (4, "")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((261_120, 1019), Limits(261_120, 1019)),
        ((0, 0), Limits(PLAIN_READ, 0)),
        ((2**64 - 1, 2**64 - 1), Limits(1 << 20, 1 << 20)),
        (None, Limits(PLAIN_READ, 0)),
    ],
)
def test_limits_are_asked_and_not_believed_blindly(limits: tuple[int, int] | None, expected: Limits) -> None:
    """A server that knows no limits, or impossible ones, gets what every server serves."""
    assert ask_limits(Wire(ScriptedServer({}, limits=limits))) == expected


def test_an_answer_to_another_question_ends_the_line() -> None:
    """Whoever talks so does not talk SFTP."""
    with pytest.raises(WireError, match="not asked"):
        ask_limits(Wire(Saying(status(77, wire.OK))))


def test_a_line_that_is_closed_by_another_thread_is_no_bug() -> None:
    """Closing a lane wakes whoever reads on it."""
    ours, theirs = socket.socketpair()
    with theirs:
        one = Wire(ours)
        ours.close()
        with pytest.raises(WireError):
            one.receive()
        one.ask(wire.CLOSE, b"h")
        with pytest.raises(WireError):
            one.flush()
