"""What Globus may answer, in a sentence and one thing to do; and what passes without a word."""

import errno
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danmax_sync.errors import (
    ConnectionLostError,
    DanmaxSyncError,
    LoginError,
    SourceError,
    UnfinishedError,
    UnsafePathError,
    UsageError,
)
from danmax_sync.settings import ensured_home as settings_home
from danmax_sync.sources.base import FileInfo
from danmax_sync.sources.globus.listing import read_entry
from danmax_sync.sources.globus.source import GlobusSource
from danmax_sync.sources.ssh import NoTerminal
from danmax_sync.testing.globus import Answer, Answered, Collection, Fault, GlobusService, Refused
from danmax_sync.testing.globus.collections import GUEST
from danmax_sync.testing.globus.faults import Request
from danmax_sync.visits import ROOT, TreePath
from tests.sources.contract import at, seen, tree_at
from tests.sources.globus.places import pointed_at, remote_at, set_up_personal


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """Return a collection that shows the folder of the contract."""
    return Collection(tree_at(tmp_path / "2025110208"), "DanMAX", kind=GUEST, https=True)


@pytest.fixture
def service(collection: Collection) -> Iterator[GlobusService]:
    """Serve it, and this machine."""
    with pointed_at(GlobusService([collection, set_up_personal()])) as service:
        yield service


@pytest.fixture
def source(service: GlobusService, collection: Collection) -> Iterator[GlobusSource]:
    """Open it."""
    with GlobusSource.open(remote_at(collection), NoTerminal()) as source:
        yield source


@pytest.fixture
def tasked(service: GlobusService, collection: Collection) -> Iterator[GlobusSource]:
    """Open it without HTTPS."""
    collection.https = False
    with GlobusSource.open(remote_at(collection), NoTerminal()) as source:
        yield source


@pytest.mark.parametrize(
    "fault",
    [
        Answered("GET /ls", 503, times=2),
        Answered("GET /ls", 429, "TooManyRequests", headers={"Retry-After": "1"}),
        Answered("GET /ls", 401, "AuthenticationFailed"),
        Answered("GET /ls", 502, "ExternalError.DirListingFailed.ConnectFailed", times=2),
        Answered("GET /ls", 500, "InternalError"),
    ],
    ids=lambda fault: str(fault.status),
)
def test_what_passes_is_waited_for(service: GlobusService, source: GlobusSource, fault: Answered) -> None:
    """Nobody hears of it."""
    service.faults.append(fault)
    assert len(source.files_in(at("raw/LaB6"))) == 3
    assert fault.happened == fault.times


@pytest.mark.parametrize(
    ("fault", "error", "message", "hint"),
    [
        (Answered("GET /ls", 503), ConnectionLostError, "has trouble with DanMAX:/raw/LaB6: Serv", "again to go on"),
        (Answered("GET /ls", 429, "TooManyRequests"), ConnectionLostError, "too many requests", "wait a minute"),
        (Answered("GET /ls", 401, "AuthenticationFailed"), LoginError, "has run out or was revoked", "login facility"),
        (
            Answered("GET /ls", 502, "ExternalError.DirListingFailed.GCDisconnected"),
            ConnectionLostError, "DanMAX is not connected to Globus", "start Globus Connect Personal",
        ),
        (
            Answered("GET /ls", 502, "ExternalError.DirListingFailed.ConnectFailed"),
            ConnectionLostError, "DanMAX is not connected to Globus", "then run again",
        ),
        (Answered("GET /ls", 403, "EndpointPermissionDenied"), SourceError, "may not be read: on", "another account"),
        (Answered("GET /ls", 502, "ExternalError.DirListingFailed.SizeLimit"), SourceError, "more entries", "below it"),
        (
            Answered("GET /ls", 403, "ConsentRequired", more={"required_scopes": ["urn:x[*y]"]}),
            LoginError, "wants you to allow danmax-sync", "danmax-sync login facility",
        ),
        (
            Answered("GET /ls", 403, "X", more={"authorization_parameters": {"session_required_mfa": True}}),
            LoginError, "with a second factor", "danmax-sync login facility",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, Answered) else "",
)  # fmt: skip
def test_what_lasts_is_one_sentence_and_one_action(
    service: GlobusService, source: GlobusSource, fault: Answered,
    *, error: type[DanmaxSyncError], message: str, hint: str,
) -> None:  # fmt: skip
    """Each with its own exit code."""
    fault.times, fault.happened = 100, 0
    service.faults.append(fault)
    with pytest.raises(error, match=message) as caught:
        source.files_in(at("raw/LaB6"))
    assert hint in caught.value.hint


def test_a_walk_goes_on_past_a_folder_that_may_not_be_read(service: GlobusService, source: GlobusSource) -> None:
    """And ends where Globus has gone."""

    class Closed(Fault):
        def before(self, request: Request) -> Answer | None:
            if request.query.get("path", "").endswith("raw/LaB6"):
                return Answer(403, {"code": "EndpointPermissionDenied", "message": "no"})
            return None

    service.faults.append(Closed())
    files, complaints = seen(source)
    assert list(complaints) == ["raw/LaB6"]
    assert "raw/process/scan-0043.h5" in files
    service.faults[0] = Answered("GET /ls", 503, times=100)
    with pytest.raises(ConnectionLostError):
        list(source.walk(lambda *_: None))


def test_a_404_in_passing_is_asked_again(service: GlobusService, source: GlobusSource) -> None:
    """One that lasts, of a file that is there, is the server's trouble and not a missing file."""
    service.faults.append(Refused(ending="scan-0042.h5", times=2))
    sink = io.BytesIO()
    source.fetch(at("raw/LaB6/scan-0042.h5"), sink, lambda _: None)
    assert sink.getvalue() == b"master"
    service.faults[0] = Refused(ending="scan-0042.h5", times=100)
    with pytest.raises(ConnectionLostError, match=r"does not give /raw/LaB6/scan-0042.h5 \(404: the file could not"):
        source.fetch(at("raw/LaB6/scan-0042.h5"), io.BytesIO(), lambda _: None)


@pytest.mark.parametrize(("status", "error"), [(403, SourceError), (302, LoginError), (401, LoginError)])
def test_a_refusal_over_https_is_told_apart(
    service: GlobusService, source: GlobusSource, status: int, error: type[DanmaxSyncError]
) -> None:
    """The token never follows a redirect."""
    service.faults.append(Refused(status=status, times=100))
    with pytest.raises(error):
        source.fetch(at("raw/LaB6/scan-0042.h5"), io.BytesIO(), lambda _: None)


@pytest.mark.parametrize("kind", ["source", "tasked"])
def test_small_files_come_many_at_once(
    request: pytest.FixtureRequest, service: GlobusService, collection: Collection, kind: str
) -> None:
    """In their order; one that is gone, or has changed, is named and does not hold the others up."""
    source: GlobusSource = request.getfixturevalue(kind)
    folder = collection.folder / "raw" / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"scan-{number:04d}.h5").write_bytes(str(number).encode())
    infos = sorted(source.files_in(at("raw/many")), key=lambda info: info.path)
    (folder / "scan-0007.h5").unlink()
    (folder / "scan-0009.h5").write_bytes(b"longer than before")
    before = service.calls()
    found = list(source.fetch_whole(infos))
    assert [info for info, _ in found] == infos
    wrong = {info.path.name: content for info, content in found if not isinstance(content, bytes)}
    assert sorted(wrong) == ["scan-0007.h5", "scan-0009.h5"]
    assert [content for _, content in found if isinstance(content, bytes)] == [
        str(number).encode() for number in range(40) if number not in {7, 9}
    ]
    if kind == "tasked":
        assert len(service.tasks.all) == 1
        assert service.calls() - before - service.calls(service.newest.id) <= 5


def test_a_task_that_cannot_go_on_is_cancelled(service: GlobusService, tasked: GlobusSource) -> None:
    """With what is in its way; nothing is left in our folder."""

    class Full(Fault):
        def writing(self, path: str, offset: int, data: bytes) -> bytes:
            service.tasks.expire(service.newest)
            raise OSError(errno.EIO, "not now")

    service.faults.append(Full())
    with pytest.raises(ConnectionLostError, match="the login at one of the collections has run out"):
        list(tasked.fetch_whole(tasked.files_in(at("raw/LaB6"))))
    assert service.newest.status == "FAILED"


def test_without_https_and_without_a_collection_here_it_is_said(tasked: GlobusSource) -> None:
    """With where to get one."""
    (Path.home() / ".globusonline" / "lta" / "client-id.txt").unlink()
    with pytest.raises(UsageError, match="Globus Connect Personal is not set up") as caught:
        list(tasked.fetch_whole(tasked.files_in(at("raw/LaB6"))))
    assert "https://www.globus.org/globus-connect-personal" in caught.value.hint


def test_a_folder_it_may_not_write_to_is_refused_with_the_line_to_add(tasked: GlobusSource) -> None:
    """Before anything is submitted."""
    set_up_personal(writable="~/somewhere/else")
    (Path.home() / ".globusonline" / "lta" / "client-id.txt").write_text(f"{tasked.it.id}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="may not write to") as caught:
        list(tasked.fetch_whole(tasked.files_in(at("raw/LaB6"))))
    assert ",0,1' to " in caught.value.hint


ENTRY = {"name": "scan-0001.h5", "type": "file", "size": 1, "last_modified": "2023-12-18 16:52:50+00:00"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../x"}, {"name": ".."}, {"name": ""}, {"name": "a\x00b"}, {"name": "a\\b"}, {"name": None},
        {"name": "caf\udce9"}, {"size": -1}, {"size": 2**63}, {"size": "1"}, {"size": True}, {"size": None},
    ],
)  # fmt: skip
def test_hostile_entries_are_complaints(wrong: dict[str, Any]) -> None:
    """They come from a server."""
    with pytest.raises((UnsafePathError, SourceError)):
        read_entry(ROOT, ENTRY | wrong)


@given(
    st.dictionaries(st.sampled_from(["name", "type", "size", "last_modified", "link_target"]), st.none()
    | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["file", "dir"]))
)  # fmt: skip
@settings(deadline=None)
def test_any_entry_is_a_file_a_folder_nothing_or_a_complaint(entry: dict[str, Any]) -> None:
    """Never anything else."""
    try:
        found = read_entry(at("raw"), entry)
    except (UnsafePathError, SourceError):
        return
    assert found is None or isinstance(found, TreePath | FileInfo)


def test_a_time_that_is_not_told_is_none(collection: Collection) -> None:
    """As with object stores; a time without a zone is UTC."""
    for text, seconds in (("2023-12-18 16:52:50+00:00", 1702918370), ("2023-12-18 16:52:50", 1702918370), (None, 0)):
        info = read_entry(ROOT, ENTRY | {"last_modified": text})
        assert isinstance(info, FileInfo)
        assert info.mtime_ns == seconds * 1_000_000_000


def test_a_home_that_takes_no_small_files_is_no_bug(tasked: GlobusSource) -> None:
    """What stands in the way of the staging folder is named, before Globus is asked for anything."""
    (settings_home() / "globus-staging").write_text("no folder", encoding="utf-8")
    with pytest.raises(UnfinishedError, match="cannot be made") as caught:
        list(tasked.fetch_whole(tasked.files_in(ROOT)))
    assert "DANMAX_SYNC_HOME" in caught.value.hint
