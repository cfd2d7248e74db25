"""What a service may answer, and what is said about it."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.request import Request

import pytest

from danmax_sync.catalogue.catalogue import Catalogue
from danmax_sync.errors import ConnectionLostError, DanmaxSyncError, LoginError, SourceError, UsageError
from danmax_sync.logbook import web
from danmax_sync.logbook.address import LogbookAddress, logbook_address
from danmax_sync.logbook.elogy import PAGE, Elogy
from danmax_sync.logbook.sync import sync_logbook
from danmax_sync.testing.elogy import ElogyAnswer, ElogyService
from tests.logbook.conftest import Sync


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES_S", (0.0, 0.0))


@pytest.mark.parametrize(
    ("text", "base", "number"),
    [
        ("https://elogy.example/logbooks/12/", "https://elogy.example", 12),
        ("http://elogy.example:8000/logbooks/12", "http://elogy.example:8000", 12),
        ("http://elogy.example/api/logbooks/12/entries/?n=5", "http://elogy.example", 12),
        ("http://elogy.example/logbooks/12/entries/345#top", "http://elogy.example", 12),
        ("http://host/danmax/elogy/logbooks/12/", "http://host/danmax/elogy", 12),
        ("http://[::1]:80/logbooks/1/", "http://[::1]:80", 1),
    ],
)
def test_an_address_is_what_the_browser_shows(text: str, base: str, number: int) -> None:
    """Or the one for programs; an entry's means its logbook."""
    address = logbook_address(text)
    assert (address.base, address.number) == (base, number)
    assert logbook_address(address.url) == address


@pytest.mark.parametrize(
    "text",
    [
        "elogy.example/logbooks/12/",
        "file:///etc/logbooks/12/",
        "ftp://host/logbooks/12/",
        "http://host/",
        "http://host/logbooks/x/",
        "http://me:secret@host/logbooks/12/",
        "http:///logbooks/12/",
        "http://[::1/logbooks/12/",
        "http://host:port/logbooks/12/",
        "http://host/a b/logbooks/12/",
        "http://ho st/logbooks/12/",
        "http://elogy..example/logbooks/12/",
        "http://dead..beef/logbooks/12/",
        f"http://{'a' * 64}.example/logbooks/12/",
        "http://host/élogy/logbooks/12/",
        "http://host/logbooks/١٢/",
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    """With an example of what is expected."""
    with pytest.raises(UsageError) as caught:
        logbook_address(text)
    assert "https://HOST/logbooks/NUMBER/" in caught.value.hint


def test_a_thread_comes_with_all_its_answers(elogy: ElogyService) -> None:
    """In the order of depth; times in UTC; authors by name."""
    first = elogy.write("LaB6", "<p>scan 42</p>", authors=["Ada", "Bob"])
    answer = elogy.write(None, "<p>good</p>", follows=first)
    deep = elogy.write("", "plain <b>", follows=answer, content_type="text/plain")
    gone = elogy.write("", "hidden", follows=first)
    elogy.archive(gone)
    found = Elogy(logbook_address(elogy.address)).thread(first)
    assert [(each.number, each.follows, each.title, each.text, each.authors) for each in found] == [
        (first, None, "LaB6", "scan 42", "Ada, Bob"),
        (answer, first, "", "good", "Ada Lovelace"),
        (deep, answer, "", "plain <b>", "Ada Lovelace"),
    ]
    assert all(each.created_at is not None and each.created_at.tzinfo is not None for each in found)


LOST, OTHER = ConnectionLostError, SourceError
AWAY = "http://198.51.100.1/login"
AGAIN = f"/api/logbooks/12/entries/?n={PAGE}&offset=0"


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ([ElogyAnswer(404)], OTHER, "there is no logbook 12 at http://127.0.0.1:"),
        ([ElogyAnswer(401)], LoginError, "401 Unauthorized: it wants a login"),
        ([ElogyAnswer(403)], LoginError, "wants a login"),
        ([ElogyAnswer(302, location=AWAY)], OTHER, "it leads to '198.51.100.1'"),
        ([ElogyAnswer(302, location="file:///etc/passwd")], OTHER, "302"),
        ([ElogyAnswer(302, location="http://127.0.0.1:9/x")], OTHER, "it leads to '127.0.0.1:9'"),
        ([ElogyAnswer(302, location="ftp://127.0.0.1:9/x")], OTHER, "it leads to '127.0.0.1:9'"),
        ([ElogyAnswer(302, location="http://[::1")], OTHER, "it leads to an address that is none"),
        ([ElogyAnswer(302, location="http://127.0.0.1:x/")], OTHER, "it leads to an address that is none"),
        ([ElogyAnswer(302, location=AGAIN)] * 20, OTHER, "302 Found: it leads in circles"),
        ([ElogyAnswer(429)], LOST, "429"),
        ([ElogyAnswer(503)] * 3, LOST, "503 Service Unavailable"),
        ([ElogyAnswer(500)] * 3, LOST, "500 Internal Server Error"),
        ([ElogyAnswer(400)], OTHER, "400 Bad Request"),
        ([ElogyAnswer(200, "<html>", kind="text/html")], OTHER, "it sends text/html where JSON is expected"),
        ([ElogyAnswer(200, "[]")], OTHER, "no JSON object"),
        ([ElogyAnswer(200, "[" * 100_000)], OTHER, "where JSON is expected"),
        ([ElogyAnswer(200, '{"entries": 5}')], OTHER, "a list of entries is missing"),
    ],
)
def test_a_bad_answer_is_one_sentence_and_one_action(
    elogy: ElogyService, sync: Sync, answers: list[ElogyAnswer], error: type[DanmaxSyncError], said: str
) -> None:
    """Whatever comes instead of a list: nothing of it is a bug, and nothing is kept."""
    elogy.faults += answers
    with pytest.raises(error) as caught:
        sync()
    assert type(caught.value) is error
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "followed"),
    [
        ("http://host/a", "http://host/a/", True),
        ("http://host/a", "http://host:80/b", True),
        ("http://host:8000/a", "https://host/a", True),
        ("https://host/a", "https://host/b", True),
        ("https://host/a", "http://host/a", False),
        ("http://host/a", "https://host:8443/a", False),
        ("http://host/a", "http://host:22/a", False),
        ("http://host/a", "http://host.example/a", False),
    ],
)
def test_a_redirect_stays_with_the_service(old: str, new: str, followed: bool) -> None:
    """To a slash, to https; another port of the machine is another service."""
    request = Request(old)  # noqa: S310 - nothing is opened
    asked = web._SameHost().redirect_request(request, io.BytesIO(), 302, "Found", {}, new)
    assert (asked is not None) is followed


def test_a_service_that_stumbles_is_asked_again(elogy: ElogyService, sync: Sync) -> None:
    """Twice, with a pause."""
    elogy.write("one", "scan 1")
    elogy.faults += [ElogyAnswer(503), ElogyAnswer(500)]
    assert sync().new == 1


def test_an_answer_that_is_too_long_is_not_read(
    elogy: ElogyService, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much a server sends."""
    monkeypatch.setattr(web, "LARGEST_ANSWER", 1000)
    elogy.faults.append(ElogyAnswer(200, json.dumps({"entries": ["x" * 2000]})))
    with pytest.raises(SourceError, match="larger than"):
        sync()


def test_nobody_there(catalogue: Catalogue) -> None:
    """The host is named, and what to do: it is a service of an internal network."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionLostError) as caught:
        sync_logbook(catalogue, logbook_address(f"http://127.0.0.1:{port}/logbooks/12/"))
    assert f"127.0.0.1:{port} does not answer: Connection refused" in caught.value.message
    assert "VPN" in caught.value.hint
    assert catalogue.logbooks() == []


@contextmanager
def answering(*said: bytes, times: int = 3) -> Iterator[LogbookAddress]:
    """Run what takes a request and sends bytes, with a pause between; give its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(times):
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line, suppress(OSError):
                line.recv(4096)
                for part in said:
                    line.sendall(part)
                    time.sleep(0.02 if len(said) > 1 else 0)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield logbook_address(f"http://127.0.0.1:{listener.getsockname()[1]}/logbooks/12/")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("said", [b"not HTTP at all\n\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"])
def test_a_line_that_breaks(said: bytes, catalogue: Catalogue) -> None:
    """In the middle of an answer, or before it."""
    with answering(said) as address, pytest.raises(ConnectionLostError):
        sync_logbook(catalogue, address)


def test_an_answer_without_end_is_left(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps the line alive for ever."""
    monkeypatch.setattr(web, "LONGEST_ANSWER_S", 0.1)
    monkeypatch.setattr(web, "PAUSES_S", ())
    with (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b" "] * 100, times=1) as address,
        pytest.raises(ConnectionLostError, match="no answer in time"),
    ):
        sync_logbook(catalogue, address)


def test_a_service_does_not_speak_in_our_messages(catalogue: Catalogue) -> None:
    """What it says beside its status may be of any length."""
    said = b"HTTP/1.1 400 " + b"\x1b[31m" * 5000 + b"\r\nContent-Length: 0\r\n\r\n"
    with answering(said) as address, pytest.raises(SourceError) as caught:
        sync_logbook(catalogue, address)
    assert caught.value.message == f"{address.base} answers 400 Bad Request"


def _whole(entry: object) -> str:
    return json.dumps({"entry": entry})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entry: entry | {"title": "\x1b[31m" + "x" * 10_000, "authors": [{"name": "\x1b]0;x\x07" * 100}] * 50},
        lambda entry: entry | {"title": ["no"], "content": {"no": 1}, "authors": "me", "created_at": 5},
        lambda entry: entry | {"created_at": "Mon, 99 Foo 20000 08:00:00 -0000", "content": None, "title": None},
        lambda entry: entry | {"created_at": "Mon, 01 Jan 0001 00:00:00 +2359", "content_type": None},
        lambda entry: entry | {"followups": [entry, {"id": -1}, {"id": True}, {"id": 1 << 80}, None, [], "x"]},
        lambda entry: entry | {"followups": {"id": 1}},
        lambda entry: entry | {"content_type": ["text/plain"], "authors": [{"name": ["x"]}, {"login": {}}]},
    ],
)
def test_an_entry_may_hold_anything(
    elogy: ElogyService, sync: Sync, catalogue: Catalogue, spoil: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    """What can be understood of it is kept, as text of bounded length; nothing raises."""
    number = elogy.write("one", "<p>scan 1</p>")
    listed = elogy.answer(f"/api/logbooks/{elogy.number}/entries/", {})
    entry = json.loads(elogy.answer(f"/api/entries/{number}/", {}).body)["entry"]
    elogy.faults += [listed, ElogyAnswer(200, _whole(spoil(entry)))]
    assert sync().entries == 1
    (found,) = Elogy(logbook_address(elogy.address)).thread(number)
    assert found.title == "one"


@pytest.mark.parametrize("entry", [None, {}, {"id": 7}])
def test_another_entry_than_the_one_asked_for_is_not_believed(elogy: ElogyService, sync: Sync, entry: object) -> None:
    """Its answer would be kept under a wrong number."""
    elogy.write("one", "x")
    elogy.faults += [elogy.answer(f"/api/logbooks/{elogy.number}/entries/", {}), ElogyAnswer(200, _whole(entry))]
    with pytest.raises(SourceError, match="entry 101 is missing"):
        sync()
