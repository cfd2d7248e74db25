"""Spans over one SFTP channel: whatever a server does, the bytes are right or the file fails."""

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import ConnectionLostError, SourceError, UnfinishedError
from danmax_sync.sources import sftp_lane, wire
from danmax_sync.sources.base import SourceChangedError
from danmax_sync.sources.sftp_lane import LARGEST_WINDOW, MOST_OPEN, SftpLane
from danmax_sync.sources.ssh.pipe import ProcessChannel
from tests.needs import require_sftp_server
from tests.sources.scripted import (
    MTIME_S,
    Hook,
    ListedWork,
    Request,
    ScriptedServer,
    attributes,
    everything_came,
    lane_on,
    packet,
    status,
    string,
)

LARGE = bytes(range(256)) * 4000
FILES = {"raw/a.h5": LARGE, "raw/b.h5": b"b" * 70_000, "raw/c.h5": b"c"}


def read(server: ScriptedServer, work: ListedWork) -> ListedWork:
    """Let a lane read everything."""
    lane_on(server).run(work)
    return work


def on(kind: int, path: str, answer: Hook) -> Hook:
    """Answer one kind of request about one file differently."""

    def hook(request: Request) -> bytes | None:
        return answer(request) if (request.kind, request.path) == (kind, path) else None

    return hook


@given(
    sizes=st.lists(st.integers(0, 400_000), min_size=1, max_size=6),
    span_bytes=st.sampled_from([50_000, 131_072, 1 << 20]),
    limit=st.sampled_from([None, (4096, 3), (65_536, 0), (261_120, 1)]),
    longest=st.sampled_from([1000, 5000, 50_000, 1 << 20]),
    chunk=st.sampled_from([999, 40_000, 1 << 20]),
    seed=st.none() | st.integers(0, 99),
    handles=st.sampled_from([1, 3, 1000]),
)
@settings(deadline=None, max_examples=60)
def test_every_byte_comes_whatever_the_order_and_length_of_the_answers(
    sizes: list[int],
    *,
    span_bytes: int,
    limit: tuple[int, int] | None,
    longest: int,
    chunk: int,
    seed: int | None,
    handles: int,
) -> None:
    """Short reads, answers out of order, packets cut anywhere, few handles: all spans come, each once."""
    content = {f"{n}.h5": bytes((n + i) % 251 for i in range(251)) * (size // 251 + 1) for n, size in enumerate(sizes)}
    files = {name: content[name][:size] for name, size in zip(content, sizes, strict=True)}
    server = ScriptedServer(files, limits=limit, longest=longest, chunk=chunk, seed=seed, most_handles=handles)
    work = ListedWork(files, span_bytes)
    expected = len(work.queue)
    # A server that has no handle left is asked again after a pause.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sftp_lane, "_NAP_S", 0.0)
        read(server, work)
    assert work.failures == {}
    assert len(work.finished) == expected
    assert everything_came(work)
    assert server.most_open <= handles


def test_a_file_that_ends_early_fails_alone() -> None:
    """Whatever its FSTAT says; the message says where nothing came."""
    shorter = {**FILES, "raw/a.h5": LARGE[:300_000]}
    lies = on(wire.FSTAT, "raw/a.h5", lambda asked: packet(wire.ATTRS, asked.number, attributes(len(LARGE))))
    work = read(ScriptedServer(shorter, lies), ListedWork(FILES))
    assert isinstance(work.failures["raw/a.h5"], SourceChangedError)
    assert "1024000 bytes were announced, none is there at" in work.failures["raw/a.h5"].message
    assert sorted(work.finished) == ["raw/b.h5", "raw/c.h5"]
    assert everything_came(work, work.finished)


def test_a_bad_sector_fails_its_file_and_names_the_place() -> None:
    """The error has the server's words and the offset; the handle is closed; the others come."""

    def bad(asked: Request) -> bytes | None:
        return status(asked.number, wire.FAILURE, "Input/output error") if asked.offset >= 522_240 else None

    server = ScriptedServer(FILES, on(wire.READ, "raw/a.h5", bad))
    work = read(server, ListedWork(FILES))
    problem = work.failures["raw/a.h5"]
    assert problem.message == "facility:raw/a.h5 cannot be read at byte 522240: Input/output error"
    assert problem.hint == "run again later"
    assert sorted(work.finished) == ["raw/b.h5", "raw/c.h5"]
    kinds = [(one.kind, one.path) for one in server.asked]
    assert kinds.count((wire.OPEN, "raw/a.h5")) == kinds.count((wire.CLOSE, "raw/a.h5")) == 1


@pytest.mark.parametrize(
    ("code", "words"), [(wire.NO_FILE, "is not there"), (wire.DENIED, "permission denied"), (wire.FAILURE, "busy")]
)
def test_a_file_that_cannot_be_opened_fails_alone(code: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FAILURE may be a lack of handles, so it is tried again a few times, not for ever."""
    monkeypatch.setattr(sftp_lane, "_NAP_S", 0.0)
    server = ScriptedServer(FILES, on(wire.OPEN, "raw/b.h5", lambda asked: status(asked.number, code, "busy")))
    work = read(server, ListedWork(FILES))
    assert words in work.failures["raw/b.h5"].message
    assert sorted(work.finished) == ["raw/a.h5", "raw/c.h5"]


def test_ten_handles_are_enough_for_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing of its limit is found out; one that says it is not overrun at all."""
    monkeypatch.setattr(sftp_lane, "_NAP_S", 0.0)
    files = {f"{n}.h5": b"%d" % n * 500 for n in range(200)}
    for limits in (None, (32_768, 10)):
        server = ScriptedServer(files, limits=limits, most_handles=10)
        work = read(server, ListedWork(files))
        assert work.failures == {}
        assert everything_came(work)
        opened = [one for one in server.asked if one.kind == wire.OPEN]
        assert len(opened) < (300 if limits is None else 201)


def test_handles_and_bytes_under_way_are_bounded() -> None:
    """A thousand small files are not all opened at once, nor is a large one asked for all at once."""
    small = {f"{n}.h5": b"x" for n in range(1000)}
    server = ScriptedServer(small)
    read(server, ListedWork(small))
    assert server.most_open <= MOST_OPEN
    large = {"a.h5": bytes(40 << 20)}
    server = ScriptedServer(large)
    read(server, ListedWork(large, 8 << 20))
    assert server.most_waiting * 261_120 < LARGEST_WINDOW + (1 << 20)


def test_a_server_without_limits_is_asked_for_what_every_server_serves() -> None:
    """32 KiB a READ."""
    server = ScriptedServer(FILES, limits=None)
    assert everything_came(read(server, ListedWork(FILES)))
    assert max(one.length for one in server.asked) == wire.PLAIN_READ


def test_a_server_that_answers_less_than_it_says_is_asked_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or every read would be cut in two."""
    server = ScriptedServer(FILES, longest=65_536)
    assert everything_came(read(server, ListedWork(FILES, 200_000)))
    # What is open when the short answers come is asked for again; later reads fit.
    assert server.asked[-1].kind == wire.CLOSE
    last = [one for one in server.asked if one.kind == wire.READ][-1]
    assert last.length <= 65_536


@pytest.mark.parametrize("extra", [b"", b"x" * 300_000])
def test_an_answer_of_impossible_length_fails_its_file(extra: bytes) -> None:
    """No data, or more than was asked for, is not taken for content; nothing of it is written."""
    lies = on(wire.READ, "raw/b.h5", lambda asked: packet(wire.DATA, asked.number, string(extra)))
    work = read(ScriptedServer(FILES, lies), ListedWork(FILES))
    assert f"answered {len(extra)} bytes to a request for 70000" in work.failures["raw/b.h5"].message
    assert not any(work.got["raw/b.h5"])
    assert sorted(work.finished) == ["raw/a.h5", "raw/c.h5"]


def test_data_longer_than_its_packet_ends_the_line() -> None:
    """It is no SFTP any more; all that is not done is given back, once."""

    def lies(asked: Request) -> bytes:
        return packet(wire.DATA, asked.number, struct.pack(">I", 1 << 30) + b"x")

    work = ListedWork(FILES)
    with pytest.raises(ConnectionLostError, match="cut short"):
        read(ScriptedServer(FILES, on(wire.READ, "raw/b.h5", lies)), work)
    assert len(work.returned) + len(work.finished) == len(FILES)
    assert not work.failures


@pytest.mark.parametrize(
    "now",
    [
        attributes(70_001),
        attributes(69_999),
        attributes(2**64 - 1),
        attributes(70_000, mtime_s=MTIME_S + 1),
        attributes(70_000, mode=stat.S_IFIFO | 0o644),
        attributes(70_000, mode=stat.S_IFDIR | 0o755),
        struct.pack(">I", 0),
    ],
)
def test_a_file_that_is_another_after_its_last_byte_fails(now: bytes) -> None:
    """Grown, shrunk, touched, no regular file, or untold."""
    other = on(wire.FSTAT, "raw/b.h5", lambda asked: packet(wire.ATTRS, asked.number, now))
    work = read(ScriptedServer(FILES, other), ListedWork(FILES))
    assert isinstance(work.failures["raw/b.h5"], SourceError)
    assert "raw/b.h5" not in work.finished
    assert sorted(work.finished) == ["raw/a.h5", "raw/c.h5"]


def test_a_server_that_will_not_look_at_a_file_fails_it() -> None:
    """Its version cannot be known then."""
    refuses = on(wire.FSTAT, "raw/b.h5", lambda asked: status(asked.number, wire.DENIED))
    work = read(ScriptedServer(FILES, refuses), ListedWork(FILES))
    assert "cannot be looked at after it was read" in work.failures["raw/b.h5"].message


@pytest.mark.parametrize("kind", [wire.OPEN, wire.READ, wire.FSTAT, wire.CLOSE])
@pytest.mark.parametrize("ends", [True, False])
def test_a_line_that_breaks_or_falls_silent_gives_back_what_is_not_done(kind: int, ends: bool) -> None:
    """At whatever question: the reason is told, and each span is done, failed or given back, exactly once."""
    silent = on(kind, "raw/b.h5", lambda _: b"")
    server = ScriptedServer(FILES, silent, ends=ends)
    work = ListedWork(FILES)
    with pytest.raises(ConnectionLostError, match="hung up" if ends else "fallen silent"):
        read(server, work)
    assert server.patience_s == 5.0
    assert sorted([*work.finished, *(str(span.info.path) for span in work.returned)]) == sorted(FILES)
    assert "raw/b.h5" not in work.finished


def test_an_answer_that_nobody_asked_for_ends_the_line() -> None:
    """Never-ending data of a server that does not wait for questions fills neither memory nor disk."""
    endless = on(wire.READ, "raw/b.h5", lambda asked: packet(wire.DATA, asked.number + 5000, string(b"x" * 1000)) * 50)
    work = ListedWork(FILES)
    with pytest.raises(ConnectionLostError, match="not asked"):
        read(ScriptedServer(FILES, endless), work)
    assert not any(work.got["raw/b.h5"])


def test_a_line_without_limits_answer_is_lost_at_once() -> None:
    """The lane does not come to be."""
    with pytest.raises(ConnectionLostError, match="hung up"):
        lane_on(ScriptedServer(FILES, lambda _: b"", ends=True))


def test_a_disk_in_trouble_fails_the_file_with_its_own_words() -> None:
    """The source is not blamed, the lane goes on with the others."""
    full = UnfinishedError("no space left", hint="make space")
    work = read(ScriptedServer(FILES), ListedWork(FILES, write_fails={"raw/a.h5": full}))
    assert work.failures == {"raw/a.h5": full}
    assert sorted(work.finished) == ["raw/b.h5", "raw/c.h5"]


def test_work_that_is_over_stops_a_lane_and_gives_back_the_rest() -> None:
    """In the middle of files."""
    files = {f"{n}.h5": bytes(300_000) for n in range(20)}
    work = ListedWork(files, stop_after=3)
    read(ScriptedServer(files), work)
    assert len(work.finished) == 3
    assert len(work.returned) + len(work.queue) == 17


@contextmanager
def sftp_server(tmp_path: Path, *before: str) -> Iterator[SftpLane]:
    """Run OpenSSH's sftp-server on a socketpair, with a lane on it."""
    server = require_sftp_server()
    command = ["sh", "-c", " ".join([*before, 'exec "$0"']), server]
    channel = ProcessChannel(command, name="sftp-server", complaints=tmp_path / "said")
    try:
        paramiko.SFTPClient(channel)
        yield lane_on(channel, root=f"{tmp_path}/")
    finally:
        channel.close()


def written(folder: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    """Write files, of the time the work expects."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        os.utime(folder / path, (MTIME_S, MTIME_S))
    return files


@pytest.mark.skipif(os.name == "nt", reason="no socketpair for a process")
@pytest.mark.parametrize("limit", ["", "ulimit -n 10;"])
def test_openssh_s_own_server(limit: str, tmp_path: Path) -> None:
    """Large and small files, and those that are missing, also where it may open ten files only."""
    files = written(tmp_path, {**FILES, "big.h5": os.urandom(5 << 20), **{f"s{n}.h5": b"%d" % n for n in range(150)}})
    work = ListedWork({**files, "raw/none.h5": b"?"}, 2 << 20)
    with sftp_server(tmp_path, *([limit] if limit else [])) as lane:
        lane.run(work)
    assert [*work.failures] == ["raw/none.h5"]
    assert "is not there" in work.failures["raw/none.h5"].message
    assert everything_came(work, [*files])


@pytest.mark.skipif(os.name == "nt", reason="no socketpair for a process")
def test_openssh_s_own_server_on_a_folder_and_a_shorter_file(tmp_path: Path) -> None:
    """What is not the file that was planned fails, in words; the server lives on."""
    files = written(tmp_path, dict(FILES))
    (tmp_path / "folder.h5").mkdir()
    os.truncate(tmp_path / "raw/a.h5", 1000)
    work = ListedWork({**files, "folder.h5": b"12345"})
    with sftp_server(tmp_path) as lane:
        lane.run(work)
    assert sorted(work.failures) == ["folder.h5", "raw/a.h5"]
    assert sorted(work.finished) == ["raw/b.h5", "raw/c.h5"]
